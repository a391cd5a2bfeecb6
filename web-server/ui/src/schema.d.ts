// Made from the description of the API by: go run ./web-server/api/openapi/types

export type ID = number

/** An id; 0 for none. */
export type Reference = number

export type Time = string

export type OptionalTime = string | null

export type Text = string | null

/** Free: any names and values. */
export type Attributes = Record<string, unknown>

/** What went wrong (RFC 9457). */
export interface Problem {
  type: string // title says what status says.
  title: string
  status: number
  detail: string // For people: which rule was broken, and what to do.
}

export interface Type {
  type: string
}

export type CommandState = 'queued' | 'sent' | 'acknowledged' | 'confirmed' | 'failed' | 'expired' | 'cancelled'

/** The parameters of the command: data, frequency, index, phone, …; and ttl, afterReport, noQueue, interlock, force. */
export type CommandAttributes = Record<string, boolean | number | string>

export type CommandInput = Partial<Command>

export interface Command {
  id: number
  deviceId: Reference
  type: string
  description: string | null
  textChannel: boolean // By SMS; this server sends none.
  attributes: CommandAttributes
}

export interface SentCommand {
  id: number // Its place in the queue.
  attributes: CommandAttributes
  deviceId: ID
  type: string
  textChannel: boolean
  description?: Text
}

/** The command of each device. One that a device may not have has the id 0, is failed, and text says why. */
export type GroupCommands = QueuedCommand[]

export interface QueuedCommand {
  id: number // Its place in the queue; 0 of one that a device of a group may not have.
  attributes: CommandAttributes
  deviceId: ID
  type: string
  textChannel: boolean
  userId: Reference
  state: CommandState
  text: string // The device's answer, or why the command failed.
  afterReport: boolean
  createTime: Time
  sendTime: OptionalTime
  changeTime: Time
  expirationTime: Time
  history?: CommandStep[] // Only where one command is asked for.
}

export interface CommandStep {
  state: CommandState
  time: Time
  text: string
}

export type DeviceInput = Partial<Device>

export interface Device {
  id: number
  attributes: Attributes
  groupId: Reference
  calendarId: Reference
  name: string
  uniqueId: string // What the device calls itself, often its IMEI; guests of a shared link see none.
  status: 'online' | 'offline' | 'unknown'
  lastUpdate: string | null // When it last spoke.
  positionId: number // The newest position; 0 for none.
  phone: string | null
  model: string | null
  contact: string | null
  category: string | null // The kind of icon: car, person, …
  disabled: boolean // Refused when it reports.
  expirationTime: string | null // Refused from then on.
}

export interface Job {
  id: ID
  userId: ID
  type: 'backup' | 'export' | 'import'
  state: 'waiting' | 'running' | 'done' | 'failed'
  createdTime: Time
  startedTime: OptionalTime
  finishedTime: OptionalTime
  progress: number | null // null where nobody knows.
  count: number // Positions read or written so far.
  fileName: string | null // What the result is called; null while there is none.
  size: number // Of the result, in bytes.
  error: string | null // Why it failed, for people.
  notes: string[] // What else is to be told, for people: how much was stored, what was left out and why.
}

export interface Delivery {
  id: ID
  userId: ID
  deviceId: number // 0 for none.
  eventId: number // 0 for none.
  notificationId: number // 0 for none.
  type: string // The type of the event.
  eventTime: string | null
  notificator: string
  severity: 'info' | 'warning' | 'alarm'
  subject: string
  text: string
  state: 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled'
  attempts: number
  error: string // Why the last try failed.
  escalation: boolean // Sent only if nobody acknowledges the event until dueAt.
  createdAt: string | null
  dueAt: string | null
  changedAt: string | null
  acknowledgedAt: string | null
  acknowledgedBy: number // 0 for none.
}

export interface Why {
  told: boolean // Something was sent.
  matches: boolean // All conditions hold.
  eventId: number // 0 for none.
  conditions: { name: string; ok: boolean; text: string }[]
  deliveries: Delivery[]
}

export type GroupInput = Partial<Group>

export interface Group {
  id: number
  attributes: Attributes
  groupId: number // The group it is in; 0 for none.
  name: string
}

export type GeofenceInput = Partial<Geofence>

export interface Geofence {
  id: number
  attributes: Record<string, unknown> // color, speedLimit (knots), polylineDistance (metres to both sides of a line), …
  calendarId: number // When it applies; 0 for always.
  name: string
  description: string | null
  area: string // Well-known text, latitude first: POLYGON ((52.5 13.4, …)), LINESTRING (52.5 13.4, …), CIRCLE (52.5 13.4, 250) with a radius in metres.
}

export interface GeofenceImport {
  geofences: Geofence[]
  skipped: { feature: number; name: string; reason: string }[] // What was left out, with skip=true.
}

export type CalendarInput = Partial<Calendar>

export interface Calendar {
  id: number
  attributes: Attributes
  name: string
  data: string // An iCalendar file with at least one event.
}

export type DriverInput = Partial<Driver>

export interface Driver {
  id: number
  attributes: Attributes
  name: string
  uniqueId: string // What vehicles report of the driver.
}

export type MaintenanceInput = Partial<Maintenance>

export interface Maintenance {
  id: number
  attributes: Attributes
  name: string
  type: string // What is counted: totalDistance (metres), hours (milliseconds), …
  start: number // When it is due first.
  period: number // How often after that.
}

export type OrderInput = Partial<Order>

export interface Order {
  id: number
  attributes: Attributes
  uniqueId: string
  description: string | null
  fromAddress: string | null
  toAddress: string | null
}

export type ReportInput = Partial<Report>

export interface Report {
  id: number
  attributes: Attributes
  calendarId: number // When it is made.
  type: 'combined' | 'devices' | 'events' | 'geofences' | 'route' | 'stops' | 'summary' | 'trips'
  description: string
}

export type ComputedAttributeInput = Partial<ComputedAttribute>

export interface ComputedAttribute {
  id: number
  description: string
  attribute: string // The name that is set.
  expression: string
  type: 'string' | 'number' | 'boolean'
  priority: number // Higher ones are computed first.
}

export type NotificationInput = Partial<Notification>

export interface Notification {
  id: number
  attributes: Record<string, unknown> // alarms and geofenceIds, lists with commas of what the event must be about, …
  calendarId: number // When it applies; 0 for always.
  description: string | null
  type: string // As GET /notifications/types lists them.
  always: boolean // Applies to every device of the account, linked to it or not.
  commandId: number // The saved command to send; 0 for none.
  notificators: string // The ways, with commas between them: web,telegram. The attributes that are conditions are in docs/notifications.md.
}

export interface Position {
  id: number
  deviceId: ID
  protocol: string
  serverTime: string // When it arrived.
  deviceTime: string // When the device wrote it.
  fixTime: string // When the place was measured.
  outdated: boolean // It came without a place; this is the last known one.
  valid: boolean // The device trusts the place.
  latitude: number
  longitude: number
  altitude: number // metres
  speed: number // knots
  course: number // degrees, 0 is north, clockwise
  address: Text
  accuracy: number // metres
  network: Network | null
  geofenceIds: number[] | null
  attributes: Record<string, boolean | number | string> // ignition, motion, battery (V), batteryLevel (%), power (V), odometer, totalDistance and distance (m), hours (ms), alarm, sat, hdop, …
}

export interface Network {
  radioType: string // gsm, cdma, wcdma, lte or nr
  considerIp: boolean
  cellTowers?: CellTower[]
  wifiAccessPoints?: WifiAccessPoint[]
}

export interface CellTower {
  radioType?: string
  cellId: number
  locationAreaCode: number
  mobileCountryCode: number
  mobileNetworkCode: number
  signalStrength?: number
}

export interface WifiAccessPoint {
  macAddress: string
  signalStrength?: number
  channel?: number
}

export interface Explanation {
  position: Position
  stored: Verdict
  now: Verdict
  trip: TripOrStop
  stop: TripOrStop
  geofences: { id: number; name: string; since: string }[] // Where the device was, of those that you may see.
  settings: ({ key: string; value: unknown; source: 'server' | 'group' | 'device' })[] // The settings of filters and movement that somebody has set, and where.
}

/** Whether a place counts, and what it was worth. */
export interface Verdict {
  counts: boolean
  reason?: 'invalid' | 'zero' | 'duplicate' | 'range' | 'future' | 'past' | 'jump' | 'acceleration' | 'accuracy' | 'drift' | 'period' | 'distance'
  text?: string // The reason in words.
  value?: number // What was found, in the unit of the reason.
  limit?: number // What was allowed.
  distance: number // Metres since the position before.
  totalDistance: number // Metres in all.
  motion: boolean
  hours: number // Time with the engine on, in milliseconds.
}

/** What it belongs to. */
export interface TripOrStop {
  kind?: 'drive' | 'carried' | 'unseen'
  startTime: string
  endTime: string
  open: boolean // It goes on.
  distance: number // Metres.
}

export interface Track {
  deviceId: ID
  from: Time
  to: Time
  count: number // How many positions there are.
  segments: number[][][] // Ways without a gap.
}

export interface Event {
  id: number
  attributes: Attributes
  deviceId: ID
  type: string // commandResult, queuedCommandSent, …
  eventTime: Time
  endTime?: string // When it was over, of events that last and are over.
  positionId: Reference
  geofenceId: Reference
  maintenanceId: Reference
}

/** What the live channel sends; empty to keep it open. */
export interface SocketMessage {
  devices?: Device[]
  positions?: Position[]
  events?: Event[]
  logs?: LogLine[]
}

export interface LogLine {
  deviceId?: number // Not there for strangers.
  uniqueId: string
  host: string
  protocol: string
  data: string // The beginning of the message, in hexadecimal digits.
  direction: 'in' | 'out'
  time: OptionalTime
  summary: string // What was read, or why nothing could be.
}

/** A way from one stop to the next; one that the span cuts is the part in it. */
export interface TripRow {
  deviceId: ID
  deviceName: string
  startTime: Time
  endTime: Time
  distance: number // metres
  averageSpeed: number // knots
  maxSpeed: number // knots
  spentFuel: number // litres; 0 if unknown
  startOdometer: number // metres; of the device, or else our count
  endOdometer: number // metres
  duration: number // from start to end, milliseconds
  kind: 'drive' | 'carried' | 'unseen'
  idle: number // standing with the engine on, milliseconds
  driverUniqueId: Text
  driverName: Text
  startPositionId: Reference
  endPositionId: Reference
  startLat: number
  startLon: number
  endLat: number
  endLon: number
  startAddress: Text
  endAddress: Text
  path: string | null // The simplified way as an encoded polyline with five decimals; null for a trip that the span cuts.
}

/** The time between two trips, as far as it lies in the span. */
export interface StopRow {
  deviceId: ID
  deviceName: string
  startTime: Time
  endTime: Time
  distance: number // metres
  averageSpeed: number // knots
  maxSpeed: number // knots
  spentFuel: number // litres; 0 if unknown
  startOdometer: number // metres; of the device, or else our count
  endOdometer: number // metres
  duration: number // from start to end, milliseconds
  engineHours: number // engine on, milliseconds
  idle: number // standing with the engine on, milliseconds
  positionId: Reference
  latitude: number
  longitude: number
  address: Text
}

/** What a device did from its first to its last report of a span. */
export interface SummaryRow {
  deviceId: ID
  deviceName: string
  startTime: Time
  endTime: Time
  distance: number // metres
  averageSpeed: number // knots
  maxSpeed: number // knots
  spentFuel: number // litres; 0 if unknown
  startOdometer: number // metres; of the device, or else our count
  endOdometer: number // metres
  startHours: number // engine hours, milliseconds
  endHours: number // engine hours, milliseconds
  engineHours: number // engine on, milliseconds
  moving: number // on the way, milliseconds
  idle: number // standing with the engine on, milliseconds
  trips: number
  carriedDistance: number // metres by ferry or transporter, not in distance
  startAddress: Text
  endAddress: Text
}

/** The time of a device in a geofence, as far as it lies in the span. */
export interface VisitRow {
  deviceId: ID
  deviceName: string
  startTime: Time
  endTime: Time
  distance: number // metres
  averageSpeed: number // knots
  maxSpeed: number // knots
  spentFuel: number // litres; 0 if unknown
  startOdometer: number // metres; of the device, or else our count
  endOdometer: number // metres
  duration: number // from start to end, milliseconds
  geofenceId: Reference
  geofenceName: Text
}

/** How far a device went in a period. */
export interface MileageRow {
  deviceId: ID
  deviceName: string
  periodStart: Time
  startTime: Time
  endTime: Time
  distance: number // metres
  carriedDistance: number // metres
  startOdometer: number // metres; of the device, or else our count
  endOdometer: number // metres
  trips: number
  moving: number // on the way, milliseconds
}

/** What a device burnt in a period, and what came into its tank and went out of it otherwise. */
export interface FuelRow {
  deviceId: ID
  deviceName: string
  periodStart: Time
  startTime: Time
  endTime: Time
  distance: number // metres
  spentFuel: number // litres; 0 if unknown
  consumption: number | null // litres per 100 km
  idle: number // standing with the engine on, milliseconds
  refills: number
  refilled: number // litres
  drops: number
  dropped: number // litres
}

/** A device and where it was last. */
export interface DeviceRow {
  id: ID
  name: string
  uniqueId: string
  status: 'online' | 'offline' | 'unknown'
  lastUpdate: OptionalTime
  fixTime: OptionalTime
  latitude: number | null
  longitude: number | null
  address: Text
  speed: number | null // knots
  totalDistance: number | null // metres
  category: Text
  model: Text
  phone: Text
  contact: Text
  groupId: Reference
  positionId: Reference
}

export interface Combined {
  deviceId: ID
  route: number[][] // Places: longitude, latitude.
  events: Event[]
  positions: Position[] // Those of the events.
}

/** How far the sending of a scheduled report to a user has come. */
export interface ReportRun {
  reportId: ID
  userId: ID
  until: string // The end of the last period that was dealt with.
  sentTime: OptionalTime
  attempts: number // Failures since then in a row.
  error: string | null // The last of them.
  nextTime: string | null // When it is tried again.
}

/** What was done on a day. */
export interface Statistics {
  captureTime: string // The end of the day.
  activeUsers: number
  activeDevices: number
  requests: number
  messagesReceived: number
  messagesStored: number
  mailSent: number
  smsSent: number
  geocoderRequests: number
  geolocationRequests: number
  protocols: Record<string, number> // Messages stored by protocol.
}

export type ServerInput = Partial<Server>

export interface Server {
  id: number
  attributes: Attributes
  registration: boolean // Anybody may create an account.
  readonly: boolean // This and the next four hold for every account but those of administrators.
  deviceReadonly: boolean
  limitCommands: boolean
  disableReports: boolean // Nobody makes reports.
  fixedEmail: boolean
  forceSettings: boolean // Clients take the map settings of the server, not of the account.
  map: Text
  bingKey: Text
  mapUrl: Text
  overlayUrl: Text
  latitude: number
  longitude: number
  zoom: number
  coordinateFormat: Text
  poiLayer: Text
  announcement: Text
  emailEnabled: boolean // The server sends mail.
  textEnabled: boolean
  geocoderEnabled: boolean
  openIdEnabled: boolean // People can sign in with an OpenID provider.
  openIdForce: boolean // They must, but for administrators.
  storageSpace: number[] | null // Not told.
  version: string
  newServer: boolean // There is no account yet; the first becomes the administrator.
}

export interface AuditEntry {
  id: ID
  attributes: Attributes
  actionTime: Time
  address: string // The network address it came from; may be empty.
  userId: Reference
  actionType: string // create, update, delete, link, unlink, signIn, actAs, send, cancel, …
  objectType: string
  objectId: number
}

export interface UnknownDevice {
  uniqueId: string // What it calls itself; its network address if nobody understands it.
  protocol: string // Empty if nobody understands it.
  address: string
  firstSeen: Time
  lastSeen: Time
  count: number // How many packets were refused.
  lastFrame: string // As text if it is one, else in hexadecimal digits.
  frames: { hex: string; text: string }[] // The first different frames.
  guesses: string[] // The protocols it may speak, the likeliest first.
  preview: Record<string, unknown> | null // The last position it reported.
}

export type Scope = 'full' | 'readonly'

export interface Token {
  id: ID
  userId: ID
  name: string
  prefix: string // How the secret begins.
  scope: Scope
  createdTime: Time
  expirationTime: OptionalTime
  lastUsedTime: OptionalTime
  token?: string // The secret, only in the answer that makes it.
}

export interface SecondFactor {
  enabled: boolean
  createdTime: OptionalTime
  recoveryCodes: number // How many are left.
}

export interface RecoveryCodes {
  recoveryCodes: string[]
}

export interface Passkey {
  id: ID
  name: string
  createdTime: Time
  lastUsedTime: OptionalTime
}

export interface TelegramLink {
  connected: boolean
  name: string
}

export interface TelegramInvite {
  url: string
  code: string
  expiresAt: Time
}

export interface ShareInput {
  name?: string | null // What the guest sees as the name of the link.
  expirationTime?: string | null // When it ends; null for never.
  deviceIds?: ID[] | null // What is shared; or groupId.
  groupId?: Reference
  arrival?: Circle | null // It ends when the device comes there.
  trailHours?: number // How far back the history goes; 0 shows the last position only.
  delayMinutes?: number // Everything is shown that much later.
  blur?: number // Places are moved to the middle of squares of so many metres, from 10 on; 0 is exact.
  hidden?: Circle[] | null // Where the device is not shown.
}

export interface Share {
  id: ID
  userId: ID
  name: string
  token: string | null // Only for its owner.
  link: string | null // The path of the page, only for its owner.
  active: boolean // It still shows something.
  createdTime: Time
  expirationTime: OptionalTime
  arrivedTime: OptionalTime
  opened: number // How often it was opened, once a minute at most.
  openedTime: OptionalTime
  deviceIds: ID[]
  groupId: Reference
  arrival: Circle | null
  trailHours: number
  delayMinutes: number
  blur: number
  hidden: Circle[]
}

export interface Circle {
  latitude: number
  longitude: number
  radius: number // metres
}

export interface PublicShare {
  name: string
  expirationTime: OptionalTime
  devices: Device[]
  positions: Position[]
}

export type UserInput = Partial<User>

export interface User {
  id: number
  attributes: Attributes
  name: string // The e-mail if there is none.
  login: string | null // Another name to sign in with.
  email: string
  phone: string | null
  readonly: boolean // Changes and commands nothing.
  administrator: boolean
  map: Text
  latitude: number
  longitude: number
  zoom: number
  coordinateFormat: Text
  password: string | null // Never told; null changes nothing.
  disabled: boolean
  expirationTime: OptionalTime
  deviceLimit: number // How many devices; -1 for any number.
  userLimit: number // How many accounts it may manage: 0 for none, -1 for any number.
  deviceReadonly: boolean // Does not touch devices.
  limitCommands: boolean // Sends saved commands only.
  disableReports: boolean
  fixedEmail: boolean // Keeps its e-mail.
  poiLayer: Text
  totpKey: Text // Never told.
  temporary: boolean // A guest who came by a shared link.
}

/** The owner, then what belongs to it, in this order and nothing else: {"userId":1,"deviceId":2}. */
export interface Permission {
  userId?: ID
  deviceId?: ID
  groupId?: ID
  geofenceId?: ID
  notificationId?: ID
  calendarId?: ID
  attributeId?: ID
  driverId?: ID
  managedUserId?: ID
  commandId?: ID
  maintenanceId?: ID
  orderId?: ID
  reportId?: ID
  linkedDeviceId?: ID
}
