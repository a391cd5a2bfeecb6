// The shapes the API speaks, as its description has them. Speed is in knots,
// distance in metres, dates are ISO 8601 with offset.
export type {
  Attributes, Device, Event as ServerEvent, Position, ServerInput as ServerInfo, SocketMessage, TelegramInvite, TelegramLink, UnknownDevice, User,
} from './schema'

/** What a device is doing, as drawn on the map and counted in the panel. */
export type State = 'moving' | 'stopped' | 'offline'
