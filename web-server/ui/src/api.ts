import { signal } from '@preact/signals'
import type { Device, Position, ServerInfo, TelegramInvite, TelegramLink, UnknownDevice, User } from './types'

/** The server's refusal; message is its own text where it gave one. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message)
  }
}

/** Counts answers that say the session is over; the root view watches it. */
export const signedOut = signal(0)

type Body = Record<string, unknown> | URLSearchParams

async function call<T>(method: string, path: string, body?: Body, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, headers: { Accept: 'application/json' }, credentials: 'same-origin' }
  if (body instanceof URLSearchParams) init.body = body
  else if (body) {
    init.body = JSON.stringify(body)
    init.headers = { ...init.headers, 'Content-Type': 'application/json' }
  }
  if (signal) init.signal = signal
  const res = await fetch('/api' + path, init)
  const text = await res.text()
  if (!res.ok) {
    if (res.status === 401 && path !== '/session') signedOut.value++
    throw new ApiError(res.status, errorText(text) || `${res.status} ${res.statusText}`.trim())
  }
  return (text ? JSON.parse(text) : undefined) as T
}

/** Errors are texts or problems (RFC 9457), of proxies also {"message"} or {"error"}; never show markup. */
function errorText(text: string): string {
  try {
    const o = JSON.parse(text) as { detail?: unknown; message?: unknown; error?: unknown }
    const m = o.detail ?? o.message ?? o.error
    if (typeof m === 'string') return m
  } catch {
    // Plain text it is.
  }
  return text.startsWith('<') ? '' : text.trim().slice(0, 300)
}

export const getServer = () => call<ServerInfo>('GET', '/server')
export const login = (email: string, password: string) =>
  call<User>('POST', '/session', new URLSearchParams({ email, password }))
export const logout = () => call<void>('DELETE', '/session')
export const createUser = (name: string, email: string, password: string) =>
  call<User>('POST', '/users', { name, email, password })

/** The session's user, or null when there is none. */
export async function getSession(): Promise<User | null> {
  try {
    return await call<User>('GET', '/session')
  } catch (e) {
    if (e instanceof ApiError && (e.status === 401 || e.status === 404)) return null
    throw e
  }
}

export const getDevices = () => call<Device[]>('GET', '/devices')
export const getLatest = () => call<Position[]>('GET', '/positions')
export const getPositions = (deviceId: number, from: Date, to: Date, signal?: AbortSignal) =>
  call<Position[]>('GET', '/positions?' + new URLSearchParams({
    deviceId: String(deviceId), from: from.toISOString(), to: to.toISOString(),
  }), undefined, signal)
export const addDevice = (name: string, uniqueId: string) => call<Device>('POST', '/devices', { name, uniqueId })
export const updateDevice = (d: Device) => call<Device>('PUT', `/devices/${d.id}`, { ...d })
export const deleteDevice = (id: number) => call<void>('DELETE', `/devices/${id}`)

export const getUnknown = () => call<UnknownDevice[]>('GET', '/unknown-devices')
export const registerUnknown = (uniqueId: string, protocol: string, name: string) =>
  call<Device>('POST', '/unknown-devices/register', { uniqueId, protocol, name })

export const telegramState = () => call<TelegramLink>('GET', '/telegram/link')
export const telegramInvite = () => call<TelegramInvite>('POST', '/telegram/link')
export const telegramUnlink = () => call<void>('DELETE', '/telegram/link')
