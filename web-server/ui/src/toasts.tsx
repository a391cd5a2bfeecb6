import { signal } from '@preact/signals'
import { t } from './i18n'
import { row } from './store'
import { Icon } from './ui/icons'
import type { ServerEvent } from './types'

interface Toast { id: number; text: string; bad: boolean }

const toasts = signal<Toast[]>([])
let next = 1

export function toast(text: string, bad = false): void {
  const id = next++
  toasts.value = [...toasts.value.slice(-2), { id, text, bad }]
  setTimeout(() => drop(id), bad ? 8000 : 5000)
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((x) => x.id !== id)
}

/** An event the server addressed to this user. */
export function notify(e: ServerEvent): void {
  const m = e.attributes.message
  const name = row(e.deviceId)?.device.name
  toast(typeof m === 'string' ? m : [name, e.type].filter(Boolean).join(': '), e.type === 'alarm')
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((x) => (
        <div key={x.id} class={x.bad ? 'toast bad' : 'toast'}>
          <span>{x.text}</span>
          <button type="button" class="ghost icon" aria-label={t('close')} onClick={() => drop(x.id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  )
}
