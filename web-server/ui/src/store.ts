import { batch, computed, signal, type Signal } from '@preact/signals'
import type { Device, Position, ServerInfo, State, User } from './types'
import { lastSeen, stateOf } from './state'
import { lang } from './prefs'
import { clearTrails, dropTrail, pushTrail } from './trails'

// Everything the page knows about devices. One signal per device: an update
// renders one row again, not the list.

export interface Row {
  device: Device
  pos: Position | undefined
  state: State
  seen: number
}

export const user = signal<User | null>(null)
export const server = signal<ServerInfo>({})
export const loaded = signal(false)

/** Ticks every 5 s: ages and the sorts that move follow it. */
export const now = signal(Date.now())
setInterval(() => (now.value = Date.now()), 5000)

const rows = new Map<number, Signal<Row>>()
/** Positions of devices not known yet wait here for the next fetch. */
const early = new Map<number, Position>()
/** Rises when devices come, go or are renamed. */
const structure = signal(0)
/** Rises, at most three times a second, when some device changed its state. */
const states = signal(0)
let statesTimer = 0

/** Ids that changed; null means look at all again. */
export type Listener = (changed: Set<number> | null) => void
const listeners = new Set<Listener>()
export function onChange(f: Listener): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}
const tell = (changed: Set<number> | null) => listeners.forEach((f) => f(changed))

export const rowSignal = (id: number): Signal<Row> | undefined => rows.get(id)
export const row = (id: number): Row | undefined => rows.get(id)?.peek()
export function useRow(id: number | null): Row | undefined {
  void structure.value
  return id === null ? undefined : rows.get(id)?.value
}

function makeRow(device: Device, pos: Position | undefined): Row {
  return { device, pos, state: stateOf(device, pos), seen: lastSeen(device, pos) }
}

/** Replaces all devices: after login, a reconnect, or a change by hand. */
export function replaceAll(devices: Device[], positions: Position[]): void {
  batch(() => {
    const latest = new Map(positions.map((p) => [p.deviceId, p]))
    const keep = new Set<number>()
    for (const d of devices) {
      keep.add(d.id)
      const old = rows.get(d.id)
      const pos = newer(old?.peek().pos, newer(early.get(d.id), latest.get(d.id)))
      if (pos) pushTrail(pos)
      const r = makeRow(d, pos)
      if (old) old.value = r
      else rows.set(d.id, signal(r))
    }
    for (const id of rows.keys()) {
      if (keep.has(id)) continue
      rows.delete(id)
      dropTrail(id)
    }
    early.clear()
    structure.value++
    states.value++
    loaded.value = true
  })
  tell(null)
}

function newer(a: Position | undefined, b: Position | undefined): Position | undefined {
  if (!a || !b) return a ?? b
  return Date.parse(b.fixTime) >= Date.parse(a.fixTime) ? b : a
}

/** Applies what the socket brought; true when it named a device we lack. */
export function apply(devices: Iterable<Device>, positions: Iterable<Position>): boolean {
  const changed = new Set<number>()
  let missing = false
  let renamed = false
  let restated = false
  batch(() => {
    const set = (s: Signal<Row>, r: Row) => {
      const old = s.peek()
      if (r.state !== old.state) restated = true
      if (r.device.name !== old.device.name || r.device.uniqueId !== old.device.uniqueId) renamed = true
      s.value = r
      changed.add(r.device.id)
    }
    for (const d of devices) {
      const s = rows.get(d.id)
      if (s) set(s, makeRow(d, s.peek().pos))
      else missing = true
    }
    for (const p of positions) {
      const s = rows.get(p.deviceId)
      if (!s) {
        early.set(p.deviceId, p)
        missing = true
        continue
      }
      pushTrail(p)
      const old = s.peek()
      if (newer(old.pos, p) === p) set(s, makeRow(old.device, p))
    }
    if (renamed) structure.value++
  })
  if (restated && !statesTimer) {
    statesTimer = window.setTimeout(() => {
      statesTimer = 0
      states.value++
    }, 300)
  }
  if (changed.size) tell(changed)
  return missing
}

export function removeDevice(id: number): void {
  rows.delete(id)
  dropTrail(id)
  structure.value++
  tell(null)
}

export function forgetAll(): void {
  rows.clear()
  early.clear()
  clearTrails()
  loaded.value = false
  structure.value++
  tell(null)
}

// --- what the panel shows ---------------------------------------------------

export type Sort = 'name' | 'recent' | 'speed'
export const query = signal('')
export const stateFilter = signal<State | null>(null)
export const sort = signal<Sort>('name')
/** Devices that share one spot: set by a cluster that cannot be opened. */
export const spot = signal<Set<number> | null>(null)

export const deviceCount = computed(() => {
  void structure.value
  return rows.size
})

export const counts = computed(() => {
  void structure.value
  void states.value
  const c = { moving: 0, stopped: 0, offline: 0 }
  for (const s of rows.values()) c[s.peek().state]++
  return c
})

const byName = computed(() => {
  void structure.value
  const order = new Intl.Collator(lang.value, { numeric: true, sensitivity: 'base' })
  return [...rows.values()].map((s) => s.peek()).sort((a, b) => order.compare(a.device.name, b.device.name)).map((r) => r.device.id)
})

const found = computed(() => {
  const q = query.value.trim().toLowerCase()
  if (!q) return byName.value
  // All words in the name, in any order; or the whole text in the identifier.
  const words = q.split(/\s+/)
  return byName.value.filter((id) => {
    const d = rows.get(id)?.peek().device
    if (!d) return false
    const name = d.name.toLowerCase()
    return words.every((w) => name.includes(w)) || d.uniqueId.toLowerCase().includes(q)
  })
})

/** Ids in the order of the list. */
export const visible = computed<number[]>(() => {
  void states.value
  const only = stateFilter.value
  const here = spot.value
  let ids = found.value
  if (here) ids = ids.filter((id) => here.has(id))
  if (only) ids = ids.filter((id) => rows.get(id)?.peek().state === only)
  if (sort.value !== 'name') {
    void now.value
    const key = sort.value === 'recent'
      ? (r: Row) => r.seen
      : (r: Row) => (r.state === 'moving' ? r.pos?.speed ?? 0 : -1)
    const keys = new Map(ids.map((id) => [id, key(rows.get(id)!.peek())]))
    ids = [...ids].sort((a, b) => keys.get(b)! - keys.get(a)!)
  }
  return ids
})

/** All ids by name, unfiltered; for pickers. */
export const allIds = byName

// --- the map's ---------------------------------------------------------------

/** The device the map keeps in its middle. */
export const following = signal<number | null>(null)
