import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import * as api from '../api'
import { ageText } from '../format'
import { t } from '../i18n'
import { refetch } from '../live'
import { go, mapPath } from '../router'
import { now, user } from '../store'
import { toast } from '../toasts'
import type { UnknownDevice } from '../types'
import { Dialog } from '../ui/dialog'
import { Icon } from '../ui/icons'

const unknown = signal<UnknownDevice[]>([])
const POLL_MS = 4000

/** Fetches the list while some view shows it. Only administrators may. */
function usePolling(): void {
  const admin = user.value?.administrator === true
  useEffect(() => {
    if (!admin) return
    let timer = 0
    let gone = false
    const poll = async () => {
      try {
        const list = await api.getUnknown()
        if (!gone) unknown.value = list
      } catch {
        // Shown as it was; the next round may succeed.
      }
      if (!gone) timer = window.setTimeout(() => void poll(), POLL_MS)
    }
    void poll()
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [admin])
}

/** Devices that talk to us but that nobody registered. */
export function UnknownList({ quiet = false }: { quiet?: boolean }) {
  usePolling()
  const chosen = useSignal<UnknownDevice | null>(null)
  const list = unknown.value
  if (!list.length) {
    return quiet ? null : <p class="muted pad">{t('unknown.none')}</p>
  }
  return (
    <>
      <ul class="unknown" aria-label={t('unknown.title')}>
        {list.map((u) => (
          <li key={u.protocol + '/' + u.uniqueId} data-unknown={u.uniqueId}>
            <div class="unknown-main">
              <b class="mono clip">{u.uniqueId}</b>
              <span class="muted clip">{u.protocol} · {u.address} · {t('unknown.count', { n: u.count })} · {ageText(Date.parse(u.lastSeen), now.value)}</span>
              {!quiet && u.lastFrame && <code class="frame clip" title={u.lastFrame}>{u.lastFrame}</code>}
            </div>
            <button type="button" class="primary" onClick={() => (chosen.value = u)}>{t('unknown.register')}</button>
          </li>
        ))}
      </ul>
      {chosen.value && <RegisterDialog item={chosen.value} onClose={() => (chosen.value = null)} />}
    </>
  )
}

function RegisterDialog({ item, onClose }: { item: UnknownDevice; onClose: () => void }) {
  const busy = useSignal(false)
  const error = useSignal('')
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const name = String(new FormData(e.currentTarget as HTMLFormElement).get('name')).trim()
    busy.value = true
    try {
      const d = await api.registerUnknown(item.uniqueId, item.protocol, name)
      unknown.value = unknown.value.filter((u) => u !== item && u.uniqueId !== item.uniqueId)
      onClose()
      toast(t('devices.added', { name: d.name }))
      await refetch()
      go(mapPath(d.id))
    } catch (err) {
      error.value = err instanceof Error ? err.message : String(err)
      busy.value = false
    }
  }
  return (
    <Dialog title={t('unknown.registerTitle')} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p class="muted"><span class="mono">{item.uniqueId}</span> · {item.protocol} · {item.address}</p>
        <label class="field"><span>{t('name')}</span><input name="name" required autofocus maxLength={120} placeholder={t('devices.namePlaceholder')} /></label>
        {error.value && <p class="error" role="alert">{error.value}</p>}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button type="submit" class="primary" disabled={busy.value}><Icon name="plus" size={18} /> {t('unknown.register')}</button>
        </div>
      </form>
    </Dialog>
  )
}
