import { useSignal } from '@preact/signals'
import { ageText } from '../format'
import { t, type Key } from '../i18n'
import { follow, mapPath } from '../router'
import { deviceCount, now, rowSignal, user, visible } from '../store'
import type { Device } from '../types'
import { Dialog } from '../ui/dialog'
import { Icon, StateIcon } from '../ui/icons'
import { VirtualList } from '../ui/virtual-list'
import { AddDeviceForm, DeleteDialog, RenameDialog } from './device-forms'
import { SearchBox } from './map-panel'
import { ConnectTable } from './onboarding'
import { UnknownList } from './unknown'

type Open = { kind: 'add' } | { kind: 'rename' | 'delete'; device: Device } | null

/** Registering, naming and removing devices. */
export function DevicesPage() {
  const open = useSignal<Open>(null)
  const close = () => (open.value = null)
  const o = open.value
  return (
    <div class="page-body wide">
      <header class="page-head">
        <h1>{t('nav.devices')} <span class="count">{deviceCount.value}</span></h1>
        <button type="button" class="primary" onClick={() => (open.value = { kind: 'add' })}><Icon name="plus" size={18} /> {t('devices.add')}</button>
      </header>
      {user.value?.administrator && (
        <section class="box">
          <h2>{t('unknown.title')}</h2>
          <p class="muted">{t('unknown.help')}</p>
          <UnknownList />
        </section>
      )}
      <section class="box grow">
        <div class="box-head"><h2>{t('devices.registered')}</h2><SearchBox /></div>
        {visible.value.length === 0
          ? <p class="muted pad">{t(deviceCount.value ? 'search.nothing' : 'devices.none')}</p>
          : (
            <VirtualList ids={visible.value} rowHeight={56} label={t('nav.devices')}>
              {(id) => <ManagedRow id={id} onOpen={(x) => (open.value = x)} />}
            </VirtualList>
          )}
      </section>
      <section class="box">
        <h2>{t('connect.title')}</h2>
        <ConnectTable />
      </section>
      {o?.kind === 'add' && <Dialog title={t('devices.add')} onClose={close}><AddDeviceForm onDone={close} /></Dialog>}
      {o?.kind === 'rename' && <RenameDialog device={o.device} onClose={close} />}
      {o?.kind === 'delete' && <DeleteDialog device={o.device} onClose={close} />}
    </div>
  )
}

function ManagedRow({ id, onOpen }: { id: number; onOpen: (o: Open) => void }) {
  const r = rowSignal(id)?.value
  if (!r) return null
  const { device } = r
  return (
    <div class="managed" data-managed={id}>
      <StateIcon state={r.state} course={r.pos?.course ?? 0} size={20} />
      <a class="managed-name clip" href={mapPath(id)} onClick={follow} title={device.name}>{device.name}</a>
      <span class="managed-id mono clip">{device.uniqueId}</span>
      <span class="managed-seen muted clip">{r.seen ? `${t(`state.${r.state}` as Key)} · ${ageText(r.seen, now.value)}` : t('state.never')}</span>
      <span class="managed-actions">
        <button type="button" class="ghost icon" aria-label={t('devices.renameX', { name: device.name })} title={t('devices.rename')} onClick={() => onOpen({ kind: 'rename', device })}><Icon name="edit" /></button>
        <button type="button" class="ghost icon" aria-label={t('devices.deleteX', { name: device.name })} title={t('devices.delete')} onClick={() => onOpen({ kind: 'delete', device })}><Icon name="trash" /></button>
      </span>
    </div>
  )
}
