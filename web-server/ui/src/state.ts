import type { Device, Position, State } from './types'

/** Faster than this (knots) is moving when the tracker does not say itself. */
const MOVING_KNOTS = 1

export function isMoving(p: Position | undefined): boolean {
  if (!p) return false
  return typeof p.attributes.motion === 'boolean' ? p.attributes.motion : p.speed > MOVING_KNOTS
}

export function stateOf(d: Device, p: Position | undefined): State {
  if (d.status !== 'online') return 'offline'
  return isMoving(p) ? 'moving' : 'stopped'
}

/** When anything was last heard from the device, or 0. */
export function lastSeen(d: Device, p: Position | undefined): number {
  return Math.max(d.lastUpdate ? Date.parse(d.lastUpdate) : 0, p ? Date.parse(p.serverTime) : 0)
}

/** Battery in percent, where the tracker tells. */
export function batteryPct(p: Position | undefined): number | null {
  const v = p?.attributes.batteryLevel
  return typeof v === 'number' && v >= 0 && v <= 100 ? Math.round(v) : null
}
