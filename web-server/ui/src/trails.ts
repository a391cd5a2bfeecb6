import type { Position } from './types'
import { distance, hasPlace, place, type LonLat } from './geo'

// Where devices have just been: what the socket brought, plus what selecting a
// device fetched. Bounded in time and in number, whatever the fleet's size.

export const TRAIL_MINUTES = 15
const MAX_POINTS = 150
const MAX_TOTAL = 150_000
/** Nobody drives so far between two fixes: the line would be a lie. */
const GAP_M = 20_000

interface Point { at: LonLat; time: number }

const trails = new Map<number, Point[]>()
let total = 0

export function pushTrail(p: Position): void {
  if (!hasPlace(p)) return
  const time = Date.parse(p.fixTime)
  let list = trails.get(p.deviceId)
  if (!list) trails.set(p.deviceId, (list = []))
  const last = list.at(-1)
  const at = place(p)
  if (last && (time <= last.time || (last.at[0] === at[0] && last.at[1] === at[1]))) return
  if (last && distance(last.at, at) > GAP_M) {
    total -= list.length
    list.length = 0
  }
  list.push({ at, time })
  total++
  const limit = total > MAX_TOTAL ? 8 : MAX_POINTS
  while (list.length > limit) {
    list.shift()
    total--
  }
}

/** Puts fetched history under what came live. */
export function seedTrail(id: number, positions: Position[]): void {
  const live = trails.get(id) ?? []
  const first = live[0]?.time ?? Infinity
  const older = positions.filter(hasPlace).map((p) => ({ at: place(p), time: Date.parse(p.fixTime) })).filter((p) => p.time < first)
  const list = [...older, ...live].slice(-MAX_POINTS)
  total += list.length - live.length
  trails.set(id, list)
}

export function trail(id: number, now: number): LonLat[] {
  const from = now - TRAIL_MINUTES * 60_000
  return (trails.get(id) ?? []).filter((p) => p.time >= from).map((p) => p.at)
}

export function dropTrail(id: number): void {
  total -= trails.get(id)?.length ?? 0
  trails.delete(id)
}

export function clearTrails(): void {
  trails.clear()
  total = 0
}
