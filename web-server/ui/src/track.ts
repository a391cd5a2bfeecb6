import { computed, signal } from '@preact/signals'
import { boundsOf, distance, hasPlace, mixCourse, place, type Bounds, type LonLat } from './geo'
import type { Position } from './types'

// One day of one device, and the cursor that map, chart and slider share.

export interface TrackPoint {
  time: number
  at: LonLat
  speed: number
  course: number
  /** True when nothing is known between the previous point and this one. */
  gap: boolean
}

export interface Track {
  deviceId: number
  day: string
  points: TrackPoint[]
  bounds: Bounds | null
  distance: number
  duration: number
  moving: number
  maxSpeed: number
}

export interface Cursor { time: number; at: LonLat; speed: number; course: number }

const GAP_MS = 10 * 60_000
const GAP_M = 300
/** A line through more points than a screen has pixels only costs frames. */
const MAX_POINTS = 6000

export function makeTrack(deviceId: number, day: string, positions: Position[]): Track {
  const all = positions.filter(hasPlace).map((p) => ({
    time: Date.parse(p.fixTime), at: place(p), speed: p.speed, course: p.course, gap: false,
  })).sort((a, b) => a.time - b.time)
  let metres = 0
  let moving = 0
  let maxSpeed = 0
  for (let i = 0; i < all.length; i++) {
    const p = all[i]!
    maxSpeed = Math.max(maxSpeed, p.speed)
    const prev = all[i - 1]
    if (!prev) continue
    const d = distance(prev.at, p.at)
    const dt = p.time - prev.time
    p.gap = dt > GAP_MS && d > GAP_M
    metres += d
    if (!p.gap && Math.max(prev.speed, p.speed) > 1) moving += dt
  }
  return {
    deviceId, day, points: thin(all), bounds: boundsOf(all.map((p) => p.at)), distance: metres,
    duration: all.length ? all.at(-1)!.time - all[0]!.time : 0, moving, maxSpeed,
  }
}

/** Keeps ends, gaps and every n-th point. */
function thin(all: TrackPoint[]): TrackPoint[] {
  if (all.length <= MAX_POINTS) return all
  const n = Math.ceil(all.length / MAX_POINTS)
  return all.filter((p, i) => i % n === 0 || i === all.length - 1 || p.gap || all[i + 1]?.gap)
}

export const track = signal<Track | null>(null)
export const cursorTime = signal<number | null>(null)
export const playing = signal(false)
export const rate = signal(60)

/** Where the device was at time: between two fixes on the line between them. */
export function at(points: TrackPoint[], time: number): Cursor | null {
  if (!points.length) return null
  let lo = 0
  let hi = points.length - 1
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1
    if (points[mid]!.time <= time) lo = mid
    else hi = mid - 1
  }
  const a = points[lo]!
  const b = points[lo + 1]
  if (!b || time <= a.time || b.gap) return { time, at: a.at, speed: b?.gap ? 0 : a.speed, course: a.course }
  const f = (time - a.time) / (b.time - a.time)
  return {
    time, at: [a.at[0] + (b.at[0] - a.at[0]) * f, a.at[1] + (b.at[1] - a.at[1]) * f],
    speed: a.speed + (b.speed - a.speed) * f, course: mixCourse(a.course, b.course, f),
  }
}

export const cursor = computed<Cursor | null>(() => {
  const t = track.value
  const time = cursorTime.value
  return t && time !== null ? at(t.points, time) : null
})

export function setTrack(t: Track | null): void {
  playing.value = false
  track.value = t
  cursorTime.value = t?.points[0]?.time ?? null
}

let last = 0
function step(now: number): void {
  const t = track.peek()
  const end = t?.points.at(-1)?.time
  const c = cursorTime.peek()
  if (!playing.peek() || end === undefined || c === null) return
  // After a hidden tab wakes up, do not leap.
  const next = c + Math.min(now - last, 250) * rate.peek()
  last = now
  if (next >= end) {
    cursorTime.value = end
    playing.value = false
    return
  }
  cursorTime.value = next
  requestAnimationFrame(step)
}

export function togglePlay(): void {
  const points = track.peek()?.points
  if (!points || points.length < 2) return
  playing.value = !playing.peek()
  if (!playing.peek()) return
  if (cursorTime.peek() === null || cursorTime.peek()! >= points.at(-1)!.time) cursorTime.value = points[0]!.time
  last = performance.now()
  requestAnimationFrame(step)
}
