import type { Position } from './types'

export type LonLat = [number, number]

const R = 6_371_008.8
const rad = Math.PI / 180

/** Metres between two points on the sphere. */
export function distance(a: LonLat, b: LonLat): number {
  const dLat = (b[1] - a[1]) * rad
  const dLon = (b[0] - a[0]) * rad
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dLon / 2) ** 2
  return 2 * R * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** A place we may draw: 0/0 is what trackers send before their first fix. */
export function hasPlace(p: Position | undefined): p is Position {
  return !!p && Number.isFinite(p.latitude) && Number.isFinite(p.longitude) &&
    Math.abs(p.latitude) <= 90 && Math.abs(p.longitude) <= 180 && !(p.latitude === 0 && p.longitude === 0)
}

export const place = (p: Position): LonLat => [p.longitude, p.latitude]

/** Between two courses, the short way round; f in 0..1. */
export function mixCourse(a: number, b: number, f: number): number {
  return (a + (((b - a + 540) % 360) - 180) * f + 360) % 360
}

export interface Bounds { west: number; south: number; east: number; north: number }

export function boundsOf(points: Iterable<LonLat>): Bounds | null {
  let b: Bounds | null = null
  for (const [lon, lat] of points) {
    if (!b) b = { west: lon, east: lon, south: lat, north: lat }
    else {
      b.west = Math.min(b.west, lon)
      b.east = Math.max(b.east, lon)
      b.south = Math.min(b.south, lat)
      b.north = Math.max(b.north, lat)
    }
  }
  return b
}
