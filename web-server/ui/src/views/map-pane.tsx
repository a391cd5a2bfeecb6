import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n'
import { MapView } from '../map/view'
import { route, selectDevice } from '../router'
import { following, useRow } from '../store'
import { Icon } from '../ui/icons'

const view = signal<MapView | null>(null)
const broken = signal<string | null>(null)

export const fitAll = () => view.peek()?.fitAll()

export function MapPane() {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    let gone = false
    let mine: MapView | null = null
    broken.value = null
    MapView.open(box.current!).then((v) => {
      mine = v
      if (gone) v.destroy()
      else view.value = v
    }, (e: unknown) => (broken.value = e instanceof Error ? e.message : String(e)))
    return () => {
      gone = true
      view.value = null
      mine?.destroy()
    }
  }, [])
  return (
    <div class="map-pane">
      <div ref={box} class="map" id="map" />
      {broken.value !== null && (
        <div class="map-broken" role="alert">
          <Icon name="warn" size={32} />
          <h2>{t('map.broken')}</h2>
          <p>{t('map.brokenHelp')}</p>
        </div>
      )}
      {view.value && <Tools view={view.value} />}
      <FollowChip />
    </div>
  )
}

function Tools({ view }: { view: MapView }) {
  const { page, device } = route.value
  return (
    <div class="map-tools">
      <div class="tool-group">
        <button type="button" title={t('map.zoomIn')} aria-label={t('map.zoomIn')} onClick={() => view.zoomBy(1)}><Icon name="plus" /></button>
        <button type="button" title={t('map.zoomOut')} aria-label={t('map.zoomOut')} onClick={() => view.zoomBy(-1)}><Icon name="minus" /></button>
      </div>
      <div class="tool-group">
        <button type="button" title={t('map.fitAll')} aria-label={t('map.fitAll')} onClick={() => view.fitAll()}><Icon name="fit" /></button>
        {page === 'map' && device !== null && (
          <button type="button" title={t('map.follow')} aria-label={t('map.follow')} aria-pressed={following.value === device} onClick={toggleFollow}>
            <Icon name="follow" />
          </button>
        )}
      </div>
    </div>
  )
}

/** Follows the selected device, or stops. */
export function toggleFollow(): void {
  const { page, device } = route.peek()
  if (page !== 'map' || device === null) return
  following.value = following.peek() === device ? null : device
}

function FollowChip() {
  const r = useRow(following.value)
  if (!r || route.value.page !== 'map') return null
  return (
    <button type="button" class="follow-chip" onClick={() => (following.value = null)}>
      <Icon name="follow" size={16} />
      <span class="clip">{t('map.following', { name: r.device.name })}</span>
      <Icon name="close" size={16} />
    </button>
  )
}

/** Closes the top layer: follow, then the card. */
export function escape(): void {
  if (following.peek() !== null) following.value = null
  else if (route.peek().device !== null) selectDevice(null)
}
