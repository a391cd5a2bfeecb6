import type { Feature } from 'geojson'
import type { GeoJSONSource, Map as GLMap } from 'maplibre-gl'
import { kmh } from '../format'
import type { Cursor, Track } from '../track'
import { speedLimits } from './palette'

// A day's route, cut where its speed class changes.

export function speedClass(knots: number): number {
  const v = kmh(knots)
  const i = speedLimits.findIndex((limit) => v < limit)
  return i < 0 ? speedLimits.length : i
}

export function setRoute(map: GLMap, track: Track | null): void {
  const features: Feature[] = []
  const points = track?.points ?? []
  let line: [number, number][] = []
  let bin = -2
  const close = () => {
    if (line.length > 1) features.push({ type: 'Feature', properties: { bin }, geometry: { type: 'LineString', coordinates: line } })
  }
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]!
    const b = points[i]!
    const next = b.gap ? -1 : speedClass(Math.max(a.speed, b.speed))
    if (next !== bin) {
      close()
      line = [a.at]
      bin = next
    }
    line.push(b.at)
  }
  close()
  void map.getSource<GeoJSONSource>('route')?.setData({ type: 'FeatureCollection', features })
  const ends: Feature[] = []
  for (const [end, p] of [['start', points[0]], ['end', points.at(-1)]] as const) {
    if (p) ends.push({ type: 'Feature', properties: { end }, geometry: { type: 'Point', coordinates: p.at } })
  }
  void map.getSource<GeoJSONSource>('ends')?.setData({ type: 'FeatureCollection', features: ends })
}

export function setCursor(map: GLMap, c: Cursor | null): void {
  void map.getSource<GeoJSONSource>('cursor')?.setData({
    type: 'FeatureCollection',
    features: c ? [{ type: 'Feature', properties: { state: 'moving', course: c.course }, geometry: { type: 'Point', coordinates: c.at } }] : [],
  })
}
