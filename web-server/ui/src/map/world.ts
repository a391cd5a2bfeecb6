import type { Feature, FeatureCollection } from 'geojson'
import { WORLD_URL } from 'waymark:assets'
import type { LonLat } from '../geo'

/** See internal/bundle/world.go, which writes it. */
interface World {
  scale: LonLat
  translate: LonLat
  arcs: number[][]
  land: number[][][][]
  coasts: number[]
  borders: number[]
  labels: { n: string; x: number; y: number; z: number }[]
}

/** The bundled map of the world; empty when it cannot be had. */
export async function loadWorld(): Promise<FeatureCollection> {
  try {
    const res = await fetch(WORLD_URL)
    if (res.ok) return decode((await res.json()) as World)
  } catch {
    // Marks and grid are worth showing without it.
  }
  return { type: 'FeatureCollection', features: [] }
}

export function decode(w: World): FeatureCollection {
  const lines = w.arcs.map((flat) => {
    let x = 0
    let y = 0
    const line: LonLat[] = []
    for (let i = 0; i < flat.length; i += 2) {
      x += flat[i]!
      y += flat[i + 1]!
      line.push([x * w.scale[0] + w.translate[0], y * w.scale[1] + w.translate[1]])
    }
    return line
  })
  const ring = (refs: number[]) => {
    let out: LonLat[] = []
    for (const r of refs) {
      const arc = r < 0 ? [...lines[~r]!].reverse() : lines[r]!
      for (let i = out.length ? 1 : 0; i < arc.length; i++) out.push(arc[i]!)
    }
    out = unwrap(out)
    const first = out[0]!
    const last = out.at(-1)!
    // Antarctica's coast goes once round the pole: close it below the map's edge.
    if (Math.abs(last[0] - first[0]) > 180) out.push([last[0], -89.99], [first[0], -89.99], first)
    return out
  }
  const features: Feature[] = w.land.map((country) => ({
    type: 'Feature', properties: { k: 'land' },
    geometry: { type: 'MultiPolygon', coordinates: country.map((polygon) => polygon.map(ring).filter((r) => !atPole(r))) },
  }))
  features.push({
    type: 'Feature', properties: { k: 'coast' },
    geometry: { type: 'MultiLineString', coordinates: w.coasts.map((i) => unwrap(lines[i]!)).filter((l) => !atPole(l)) },
  }, {
    type: 'Feature', properties: { k: 'border' },
    geometry: { type: 'MultiLineString', coordinates: w.borders.map((i) => unwrap(lines[i]!)) },
  })
  for (const { n, x, y, z } of w.labels) {
    features.push({ type: 'Feature', properties: { k: 'label', name: n, z }, geometry: { type: 'Point', coordinates: [x, y] } })
  }
  return { type: 'FeatureCollection', features }
}

/** The source closes Antarctica by a line round the pole itself: no coast. */
const atPole = (line: LonLat[]) => line.every((p) => p[1] < -89.9)

/** Lets a line run on past 180° instead of jumping to the other side of the map. */
function unwrap(line: LonLat[]): LonLat[] {
  let turn = 0
  return line.map((p, i) => {
    const prev = line[i - 1]
    if (prev && p[0] - prev[0] > 180) turn -= 360
    else if (prev && p[0] - prev[0] < -180) turn += 360
    return turn ? [p[0] + turn, p[1]] : p
  })
}
