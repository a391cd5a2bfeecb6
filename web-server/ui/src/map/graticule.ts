import type { Feature, FeatureCollection, LineString } from 'geojson'
import type { Bounds } from '../geo'

// The grid of meridians and parallels: what keeps a city without streets from
// being one empty colour, and tells distances at a glance.

/** Steps in seconds of arc; each major step is divided by the minor beside it. */
const steps: [major: number, minor: number][] = [
  [108_000, 36_000], [36_000, 18_000], [18_000, 3600], [7200, 3600], [3600, 1200], [1800, 600], [600, 120], [300, 60],
  [120, 60], [60, 20], [30, 10], [10, 5], [5, 1],
]

/** Wanted distance of major lines on the screen. */
const TARGET_PX = 260

export function gridSteps(zoom: number): [number, number] {
  const degPerPx = 360 / (512 * 2 ** zoom)
  const want = degPerPx * TARGET_PX * 3600
  return steps.find((s) => s[0] <= want) ?? steps.at(-1)!
}

/** 188400 s -> "52°20′N"; seconds only where the step needs them. */
export function arcText(seconds: number, positive: string, negative: string): string {
  const a = Math.abs(seconds)
  const d = Math.floor(a / 3600)
  const m = Math.floor((a % 3600) / 60)
  const s = a % 60
  const p = (n: number) => String(n).padStart(2, '0')
  const rest = s ? `${p(m)}′${p(s)}″` : m ? `${p(m)}′` : ''
  return `${d}°${rest}${seconds > 0 ? positive : seconds < 0 ? negative : ''}`
}

export function graticule(view: Bounds, zoom: number): FeatureCollection<LineString> {
  const [major, minor] = gridSteps(zoom)
  // A screen's worth more on every side, so that a short drag finds lines.
  const w = Math.min(view.east - view.west, 360)
  const h = view.north - view.south
  const west = Math.max(view.west - w, -540)
  const east = Math.min(view.east + w, 540)
  const south = Math.max(view.south - h, -85)
  const north = Math.min(view.north + h, 85)
  const features: Feature<LineString>[] = []
  const add = (level: number, label: string, from: [number, number], to: [number, number]) =>
    features.push({ type: 'Feature', properties: { level, label }, geometry: { type: 'LineString', coordinates: [from, to] } })
  for (let s = Math.ceil((west * 3600) / minor) * minor; s <= east * 3600; s += minor) {
    const lon = s / 3600
    const turn = ((((s + 648_000) % 1_296_000) + 1_296_000) % 1_296_000) - 648_000
    add(s % major === 0 ? 1 : 0, arcText(turn, 'E', 'W'), [lon, south], [lon, north])
  }
  for (let s = Math.ceil((south * 3600) / minor) * minor; s <= north * 3600; s += minor) {
    add(s % major === 0 ? 1 : 0, arcText(s, 'N', 'S'), [west, s / 3600], [east, s / 3600])
  }
  return { type: 'FeatureCollection', features }
}
