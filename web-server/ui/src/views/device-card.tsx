import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import * as api from '../api'
import { coordText, dateTimeText, durationText, kmh, momentText, num, valueText } from '../format'
import { hasPlace } from '../geo'
import { t, type Key } from '../i18n'
import { follow, historyPath, selectDevice } from '../router'
import { batteryPct, isMoving } from '../state'
import { following, now, useRow, type Row } from '../store'
import { toast } from '../toasts'
import { seedTrail, TRAIL_MINUTES } from '../trails'
import type { Position } from '../types'
import { Icon, StateIcon } from '../ui/icons'
import { toggleFollow } from './map-pane'

/** How far back "since when" is looked up. */
const LOOK_BACK_H = 12

export function DeviceCard({ id }: { id: number }) {
  const r = useRow(id)
  const recent = useSignal<Position[]>([])
  useEffect(() => {
    const stop = new AbortController()
    recent.value = []
    const to = new Date()
    api.getPositions(id, new Date(to.getTime() - LOOK_BACK_H * 3600_000), to, stop.signal).then((list) => {
      recent.value = list
      const from = Date.now() - TRAIL_MINUTES * 60_000
      seedTrail(id, list.filter((p) => Date.parse(p.fixTime) >= from))
    }, () => {
      // The card is complete without its past.
    })
    return () => stop.abort()
  }, [id])
  if (!r) {
    return (
      <div class="empty">
        <p>{t('device.gone')}</p>
        <button type="button" onClick={() => selectDevice(null)}>{t('device.back')}</button>
      </div>
    )
  }
  const { device, pos, state } = r
  const battery = batteryPct(pos)
  return (
    <article class="card" aria-label={device.name} data-card={id}>
      <header class="card-head">
        <button type="button" class="ghost icon" aria-label={t('device.back')} onClick={() => selectDevice(null)}><Icon name="back" /></button>
        <div class="card-title">
          <h2 title={device.name}>{device.name}</h2>
          <span class={'pill pill-' + state}><StateIcon state={state} course={pos?.course ?? 0} size={14} /> {t(r.seen ? (`state.${state}` as Key) : 'state.never')}<Since r={r} recent={recent.value} /></span>
        </div>
      </header>
      <div class="card-scroll">
        <div class="tiles">
          <Tile label={t('speed')} value={pos && state !== 'offline' ? num(kmh(pos.speed)) : '–'} unit="km/h" />
          <Tile label={t('battery')} value={battery === null ? '–' : String(battery)} unit="%" bad={battery !== null && battery <= 20} />
          <Tile label={t('lastFix')} value={pos ? durationText(Math.max(0, now.value - Date.parse(pos.fixTime))) : '–'} small />
        </div>
        <div class="actions">
          <button type="button" class={following.value === id ? 'primary' : ''} aria-pressed={following.value === id} onClick={toggleFollow} disabled={!hasPlace(pos)}>
            <Icon name="follow" size={18} /> {t(following.value === id ? 'map.followStop' : 'map.follow')}
          </button>
          <a class="button" href={historyPath(id)} onClick={follow}><Icon name="history" size={18} /> {t('nav.history')}</a>
        </div>
        <dl class="facts">
          {hasPlace(pos) && (
            <Fact label={t('coordinates')}>
              <span class="mono">{coordText(pos.latitude, pos.longitude)}</span>
              <button type="button" class="ghost icon small" aria-label={t('copy')} title={t('copy')} onClick={() => copy(coordText(pos.latitude, pos.longitude))}><Icon name="copy" size={16} /></button>
            </Fact>
          )}
          {pos?.address && <Fact label={t('address')}>{pos.address}</Fact>}
          {pos && <Fact label={t('fixTime')}>{dateTimeText(Date.parse(pos.fixTime))}</Fact>}
          {pos && <Fact label={t('altitude')}>{num(pos.altitude)} m</Fact>}
          {pos && <Fact label={t('course')}>{num(pos.course)}°</Fact>}
          {pos && pos.accuracy > 0 && <Fact label={t('accuracy')}>± {num(pos.accuracy)} m</Fact>}
          <Fact label={t('protocol')}>{pos?.protocol ?? '–'}</Fact>
          <Fact label={t('uniqueId')}><span class="mono">{device.uniqueId}</span></Fact>
        </dl>
        {pos && <AttributeTable pos={pos} />}
      </div>
    </article>
  )
}

function Tile({ label, value, unit, small, bad }: { label: string; value: string; unit?: string; small?: boolean; bad?: boolean }) {
  return (
    <div class={bad ? 'tile bad' : 'tile'}>
      <span class="tile-label">{label}</span>
      <span class={small ? 'tile-value small' : 'tile-value'}>{value}{unit && value !== '–' && <small> {unit}</small>}</span>
    </div>
  )
}

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return <div><dt>{label}</dt><dd>{children}</dd></div>
}

/** " since 14:05", as far as the recent past tells. */
function Since({ r, recent }: { r: Row; recent: Position[] }) {
  if (r.state === 'offline') return r.seen ? <span>{t('since', { time: momentText(r.seen, now.value) })}</span> : null
  let start = 0
  for (let i = recent.length - 1; i >= 0; i--) {
    const p = recent[i]!
    if (isMoving(p) !== (r.state === 'moving')) break
    start = Date.parse(p.fixTime)
    // Nothing of the other state in sight: it may be longer still.
    if (i === 0) return <span>{t('sinceBefore', { time: momentText(start, now.value) })}</span>
  }
  return start ? <span>{t('since', { time: momentText(start, now.value) })}</span> : null
}

function AttributeTable({ pos }: { pos: Position }) {
  const list = Object.entries(pos.attributes).sort(([a], [b]) => a.localeCompare(b))
  if (!list.length) return null
  return (
    <details class="attributes" open>
      <summary>{t('attributes', { n: list.length })}</summary>
      <table>
        <tbody>
          {list.map(([k, v]) => <tr key={k}><th scope="row">{k}</th><td>{valueText(v)}</td></tr>)}
        </tbody>
      </table>
    </details>
  )
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    toast(t('copied'))
  } catch {
    toast(text)
  }
}
