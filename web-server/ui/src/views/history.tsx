import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import * as api from '../api'
import { addDays, dayOf, dayStart, dayText, distanceText, durationText, num, kmh } from '../format'
import { t } from '../i18n'
import { speedColours, speedLimits } from '../map/palette'
import { follow, go, historyPath, mapPath, route } from '../router'
import { allIds, deviceCount, loaded, query, useRow, visible } from '../store'
import { makeTrack, setTrack, track } from '../track'
import { Icon } from '../ui/icons'
import { VirtualList } from '../ui/virtual-list'
import { DeviceRow, ROW_HEIGHT, SearchBox } from './map-panel'

const loading = signal(false)
const failed = signal('')

/** Left panel of the history page: device, day, totals, legend. */
export function HistoryPanel() {
  const { device, day } = route.value
  return device === null ? <Pick /> : <Day device={device} day={day ?? dayOf(new Date())} />
}

function Pick() {
  useEffect(() => setTrack(null), [])
  return (
    <>
      <header class="panel-head">
        <h2>{t('history.choose')}</h2>
        <SearchBox />
      </header>
      {loaded.value && visible.value.length === 0
        ? <p class="empty">{t(deviceCount.value ? 'search.nothing' : 'devices.none')}</p>
        : (
          <VirtualList ids={query.value ? visible.value : allIds.value} rowHeight={ROW_HEIGHT} label={t('nav.devices')}>
            {(id) => <DeviceRow id={id} onOpen={(x) => go(historyPath(x))} />}
          </VirtualList>
        )}
    </>
  )
}

async function load(device: number, day: string, stop: AbortSignal): Promise<void> {
  // The layout changed, not the question: what a past day holds is known.
  const known = track.peek()
  if (known?.deviceId === device && known.day === day && day < dayOf(new Date())) return
  loading.value = true
  failed.value = ''
  setTrack(null)
  try {
    const list = await api.getPositions(device, dayStart(day), dayStart(addDays(day, 1)), stop)
    if (!stop.aborted) setTrack(makeTrack(device, day, list))
  } catch (e) {
    if (!stop.aborted) failed.value = e instanceof Error ? e.message : String(e)
  } finally {
    if (!stop.aborted) loading.value = false
  }
}

function Day({ device, day }: { device: number; day: string }) {
  const r = useRow(device)
  const today = dayOf(new Date())
  useEffect(() => {
    const stop = new AbortController()
    void load(device, day, stop.signal)
    return () => stop.abort()
  }, [device, day])
  const show = (d: string) => go(historyPath(device, d))
  return (
    <div class="history">
      <header class="card-head">
        <a class="ghost icon button" href="/history" onClick={follow} aria-label={t('history.choose')}><Icon name="back" /></a>
        <div class="card-title">
          <h2 title={r?.device.name}>{r?.device.name ?? (loaded.value ? t('device.gone') : t('loading'))}</h2>
          <a class="small" href={mapPath(device)} onClick={follow}>{t('history.toMap')}</a>
        </div>
      </header>
      <div class="card-scroll">
        <div class="day">
          <button type="button" class="icon" aria-label={t('history.dayBefore')} onClick={() => show(addDays(day, -1))}><Icon name="back" size={18} /></button>
          <input type="date" value={day} max={today} aria-label={t('history.day')} onChange={(e) => e.currentTarget.value && show(e.currentTarget.value)} />
          <button type="button" class="icon" aria-label={t('history.dayAfter')} disabled={day >= today} onClick={() => show(addDays(day, 1))}><Icon name="next" size={18} /></button>
        </div>
        <p class="muted small day-name">{dayText(day)}</p>
        <Result />
      </div>
    </div>
  )
}

function Result() {
  const tr = track.value
  if (failed.value) return <p class="error" role="alert">{failed.value}</p>
  if (loading.value || !tr) return <p class="empty" role="status">{t('loading')}</p>
  if (!tr.points.length) {
    return <div class="empty" role="status"><Icon name="route" size={28} /><p>{t('history.empty')}</p></div>
  }
  return (
    <>
      <dl class="totals" data-points={tr.points.length}>
        <div><dt>{t('history.distance')}</dt><dd>{distanceText(tr.distance)}</dd></div>
        <div><dt>{t('history.maxSpeed')}</dt><dd>{num(kmh(tr.maxSpeed))} km/h</dd></div>
        <div><dt>{t('history.driving')}</dt><dd>{durationText(tr.moving)}</dd></div>
        <div><dt>{t('history.duration')}</dt><dd>{durationText(tr.duration)}</dd></div>
      </dl>
      <h3>{t('history.legend')}</h3>
      <Legend />
    </>
  )
}

/** Speed classes; SVG so that colours need no inline style. */
function Legend() {
  const names = [`< ${speedLimits[0]}`, ...speedLimits.slice(1).map((v, i) => `${speedLimits[i]}–${v}`), `> ${speedLimits.at(-1)}`]
  return (
    <ul class="legend">
      {speedColours.map((c, i) => (
        <li key={c}><svg width="26" height="8" aria-hidden="true"><rect width="26" height="8" rx="4" fill={c} /></svg>{names[i]}</li>
      ))}
    </ul>
  )
}
