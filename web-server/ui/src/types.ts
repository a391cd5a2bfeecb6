// The shapes the API speaks. Speed is in knots, distance in metres, dates are
// ISO 8601 with offset.

export type Attributes = Record<string, unknown>

export interface Device {
  id: number
  name: string
  uniqueId: string
  status: string
  lastUpdate: string | null
  positionId?: number
  disabled?: boolean
  category?: string | null
  model?: string | null
  phone?: string | null
  contact?: string | null
  attributes?: Attributes
}

export interface Position {
  id: number
  deviceId: number
  protocol: string
  serverTime: string
  deviceTime: string
  fixTime: string
  valid: boolean
  latitude: number
  longitude: number
  altitude: number
  speed: number
  course: number
  accuracy: number
  address: string | null
  attributes: Attributes
}

export interface ServerEvent {
  id: number
  type: string
  deviceId: number
  eventTime: string
  attributes: Attributes
}

export interface SocketMessage {
  devices?: Device[]
  positions?: Position[]
  events?: ServerEvent[]
}

export interface User {
  id: number
  name: string
  email: string
  administrator: boolean
}

export interface ServerInfo {
  newServer?: boolean
  version?: string
  registration?: boolean
}

export interface UnknownDevice {
  uniqueId: string
  protocol: string
  address: string
  firstSeen: string
  lastSeen: string
  count: number
  lastFrame: string
}

export interface TelegramInvite {
  url: string
  code: string
  expiresAt: string
}

export interface TelegramLink {
  connected: boolean
  name: string
}

/** What a device is doing, as drawn on the map and counted in the panel. */
export type State = 'moving' | 'stopped' | 'offline'
