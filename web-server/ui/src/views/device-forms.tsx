import { useSignal } from '@preact/signals'
import * as api from '../api'
import { t } from '../i18n'
import { refetch } from '../live'
import { go, mapPath, route } from '../router'
import { removeDevice, row } from '../store'
import { toast } from '../toasts'
import type { Device } from '../types'
import { Dialog } from '../ui/dialog'
import { Icon } from '../ui/icons'

const message = (e: unknown) => (e instanceof Error ? e.message : String(e))

export function AddDeviceForm({ onDone }: { onDone?: () => void }) {
  const busy = useSignal(false)
  const error = useSignal('')
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const form = e.currentTarget as HTMLFormElement
    const f = new FormData(form)
    busy.value = true
    error.value = ''
    try {
      const d = await api.addDevice(String(f.get('name')).trim(), String(f.get('uniqueId')).trim())
      form.reset()
      toast(t('devices.added', { name: d.name }))
      await refetch()
      onDone?.()
      if (route.peek().page === 'map') go(mapPath(d.id))
    } catch (err) {
      error.value = message(err)
    } finally {
      busy.value = false
    }
  }
  return (
    <form class="stack" onSubmit={submit}>
      <label class="field"><span>{t('name')}</span><input name="name" required maxLength={120} autocomplete="off" placeholder={t('devices.namePlaceholder')} /></label>
      <label class="field">
        <span>{t('uniqueId')}</span>
        <input name="uniqueId" required maxLength={120} autocomplete="off" spellcheck={false} autocapitalize="off" />
        <small class="muted">{t('devices.uniqueIdHelp')}</small>
      </label>
      {error.value && <p class="error" role="alert">{error.value}</p>}
      <div class="dialog-actions"><button type="submit" class="primary" disabled={busy.value}><Icon name="plus" size={18} /> {t('devices.add')}</button></div>
    </form>
  )
}

export function RenameDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const error = useSignal('')
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const name = String(new FormData(e.currentTarget as HTMLFormElement).get('name')).trim()
    try {
      // What the server knows now, not what the dialog opened with.
      await api.updateDevice({ ...(row(device.id)?.device ?? device), name })
      await refetch()
      onClose()
    } catch (err) {
      error.value = message(err)
    }
  }
  return (
    <Dialog title={t('devices.rename')} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <label class="field"><span>{t('name')}</span><input name="name" required autofocus maxLength={120} defaultValue={device.name} /></label>
        {error.value && <p class="error" role="alert">{error.value}</p>}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button type="submit" class="primary">{t('save')}</button>
        </div>
      </form>
    </Dialog>
  )
}

export function DeleteDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const error = useSignal('')
  const remove = async () => {
    try {
      await api.deleteDevice(device.id)
      removeDevice(device.id)
      toast(t('devices.deleted', { name: device.name }))
      onClose()
    } catch (err) {
      error.value = message(err)
    }
  }
  return (
    <Dialog title={t('devices.delete')} onClose={onClose}>
      <div class="stack">
        <p>{t('devices.deleteAsk', { name: device.name })}</p>
        {error.value && <p class="error" role="alert">{error.value}</p>}
        <div class="dialog-actions">
          <button type="button" autofocus onClick={onClose}>{t('cancel')}</button>
          <button type="button" class="danger" onClick={() => void remove()}><Icon name="trash" size={18} /> {t('devices.delete')}</button>
        </div>
      </div>
    </Dialog>
  )
}
