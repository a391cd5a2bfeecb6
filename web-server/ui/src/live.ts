import { signal } from '@preact/signals'
import * as api from './api'
import { apply, forgetAll, replaceAll, user } from './store'
import { notify } from './toasts'
import type { Device, Position, ServerEvent, SocketMessage } from './types'

// The socket, and the two lists fetched before and after it. What it brings is
// gathered and applied once per animation frame.

/** ok: connected; lost: was connected, trying again. */
export const link = signal<'starting' | 'ok' | 'lost'>('starting')

let socket: WebSocket | null = null
let attempt = 0
let retryTimer = 0
let running = false
let refetchTimer = 0
/** Rises with each start and stop: answers to an older session are dropped. */
let generation = 0

const devices = new Map<number, Device>()
const positions: Position[] = []
const events: ServerEvent[] = []
let scheduled = false

export function start(): void {
  running = true
  generation++
  attempt = 0
  link.value = 'starting'
  void refetch()
  connect()
  addEventListener('online', retryNow)
  document.addEventListener('visibilitychange', retryNow)
}

export function stop(): void {
  running = false
  generation++
  clearTimeout(retryTimer)
  clearTimeout(refetchTimer)
  refetchTimer = 0
  removeEventListener('online', retryNow)
  document.removeEventListener('visibilitychange', retryNow)
  socket?.close()
  socket = null
  devices.clear()
  positions.length = 0
  events.length = 0
  forgetAll()
}

/** Fetches devices and latest positions. Errors only show in the banner. */
export async function refetch(): Promise<void> {
  const mine = generation
  try {
    const [d, p] = await Promise.all([api.getDevices(), api.getLatest()])
    if (mine === generation) replaceAll(d, p)
  } catch {
    // Without a session the root view goes to the login page; otherwise again.
    if (mine === generation) refetchSoon(5000)
  }
}

function refetchSoon(ms: number): void {
  if (!refetchTimer) {
    refetchTimer = window.setTimeout(() => {
      refetchTimer = 0
      void refetch()
    }, ms)
  }
}

function connect(): void {
  const mine = generation
  const s = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/socket`)
  socket = s
  s.onopen = () => {
    if (link.value === 'lost') void refetch()
    attempt = 0
    link.value = 'ok'
  }
  s.onmessage = (e) => {
    if (mine === generation) receive(String(e.data))
  }
  s.onclose = () => {
    if (mine === generation && socket === s) void lost()
  }
}

async function lost(): Promise<void> {
  const mine = generation
  socket = null
  link.value = 'lost'
  const wait = Math.min(30, [1, 2, 5, 10, 20, 30][attempt] ?? 30) * 1000
  attempt++
  retryTimer = window.setTimeout(connect, wait * (0.8 + Math.random() * 0.4))
  try {
    const u = await api.getSession()
    if (mine === generation && !u) {
      clearTimeout(retryTimer)
      api.signedOut.value++
    }
  } catch {
    // The server is away altogether; the timer keeps trying.
  }
}

function retryNow(): void {
  if (!running || socket || document.hidden || !user.peek()) return
  clearTimeout(retryTimer)
  connect()
}

function receive(text: string): void {
  let m: SocketMessage
  try {
    m = JSON.parse(text) as SocketMessage
  } catch {
    return
  }
  for (const d of m.devices ?? []) devices.set(d.id, d)
  if (m.positions) positions.push(...m.positions)
  if (m.events) events.push(...m.events)
  if (scheduled || (!devices.size && !positions.length && !events.length)) return
  scheduled = true
  // A hidden page gets no animation frames, yet must not pile messages up.
  if (document.hidden) setTimeout(flush, 1000)
  else requestAnimationFrame(flush)
}

function flush(): void {
  scheduled = false
  const missing = apply(devices.values(), positions)
  devices.clear()
  positions.length = 0
  for (const e of events.splice(0)) notify(e)
  if (missing) refetchSoon(500)
}
