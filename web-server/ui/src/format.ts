import { lang } from './prefs'
import { t } from './i18n'

/** The browser's own flavour of the chosen language: en-GB rather than just en. */
function locale(): string {
  const l = lang.value
  return navigator.languages.find((x) => x === l || x.startsWith(l + '-')) ?? l
}

export const KNOT_KMH = 1.852
export const kmh = (knots: number) => knots * KNOT_KMH

export function num(v: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(v)
}

export const speedText = (knots: number) => `${num(kmh(knots))} km/h`

export function distanceText(m: number): string {
  return m < 1000 ? `${num(m)} m` : `${num(m / 1000, m < 100_000 ? 1 : 0)} km`
}

/** 3725 s -> "1 h 02 min". */
export function durationText(ms: number): string {
  const min = Math.floor(ms / 60_000)
  if (min < 1) return `${Math.max(0, Math.round(ms / 1000))} s`
  if (min < 60) return `${min} min`
  const h = Math.floor(min / 60)
  if (h < 24) return `${h} h ${String(min % 60).padStart(2, '0')} min`
  return `${Math.floor(h / 24)} d ${h % 24} h`
}

/** How long ago, in the few words a list row has room for. */
export function ageText(time: number, now: number): string {
  const s = Math.max(0, (now - time) / 1000)
  if (s < 10) return t('age.now')
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'always', style: lang.value === 'en' ? 'narrow' : 'short' })
  if (s < 60) return f.format(-Math.floor(s / 10) * 10, 'second')
  if (s < 3600) return f.format(-Math.floor(s / 60), 'minute')
  if (s < 86_400) return f.format(-Math.floor(s / 3600), 'hour')
  return f.format(-Math.floor(s / 86_400), 'day')
}

export function timeText(time: number, seconds = true): string {
  return new Intl.DateTimeFormat(locale(), {
    hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined, hourCycle: 'h23',
  }).format(time)
}

export function dateTimeText(time: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(time)
}

/** A past moment as short as it stays clear: the time today, else the date too. */
export function momentText(time: number, now: number): string {
  if (dayOf(new Date(time)) === dayOf(new Date(now))) return timeText(time, false)
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time)
}

export function dayText(day: string): string {
  return new Intl.DateTimeFormat(locale(), { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(dayStart(day))
}

export const coordText = (lat: number, lon: number) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`

/** Local midnight of yyyy-mm-dd in the browser's zone. */
export function dayStart(day: string): Date {
  const [y, m, d] = day.split('-').map(Number)
  return new Date(y!, m! - 1, d!)
}

export function dayOf(time: Date): string {
  const p = (n: number) => String(n).padStart(2, '0')
  return `${time.getFullYear()}-${p(time.getMonth() + 1)}-${p(time.getDate())}`
}

/** The day n days away, by the calendar: a day of 23 or 25 hours counts as one. */
export function addDays(day: string, n: number): string {
  const d = dayStart(day)
  return dayOf(new Date(d.getFullYear(), d.getMonth(), d.getDate() + n))
}

/** An attribute's value as shown in the table. */
export function valueText(v: unknown): string {
  if (typeof v === 'number') return num(v, Number.isInteger(v) ? 0 : 2)
  if (typeof v === 'boolean') return t(v ? 'yes' : 'no')
  if (v === null || v === undefined) return '–'
  return typeof v === 'string' ? v : JSON.stringify(v)
}
