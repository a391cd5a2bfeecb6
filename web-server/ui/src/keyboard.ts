import { signal } from '@preact/signals'
import { shortcuts } from './prefs'
import { go, historyPath, mapPath, route, selectDevice } from './router'
import { spot, visible } from './store'
import { togglePlay, track, cursorTime } from './track'
import { escape, fitAll, toggleFollow } from './views/map-pane'

/** True while the list of keys is open. */
export const helpOpen = signal(false)
/** The row the keyboard stands on; Enter opens it. */
export const keyRow = signal<number | null>(null)

function move(step: number): void {
  const ids = visible.peek()
  if (!ids.length) return
  const from = keyRow.peek() ?? route.peek().device
  const i = from === null ? -1 : ids.indexOf(from)
  const next = ids[i < 0 ? (step > 0 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, i + step))]!
  keyRow.value = next
  if (route.peek().device !== null && route.peek().page === 'map') selectDevice(next)
}

function skip(seconds: number): void {
  const points = track.peek()?.points
  const c = cursorTime.peek()
  if (!points?.length || c === null) return
  cursorTime.value = Math.min(points.at(-1)!.time, Math.max(points[0]!.time, c + seconds * 1000))
}

/** Returns true when the key was used. */
function act(key: string): boolean {
  const { page, device } = route.peek()
  switch (key) {
    case '?':
      helpOpen.value = !helpOpen.peek()
      return true
    case '/': {
      const input = document.querySelector<HTMLInputElement>('input[type=search]')
      input?.focus()
      return !!input
    }
    case '0':
      fitAll()
      return true
    case 'h':
      if (page === 'map') go(historyPath(device))
      return true
  }
  if (page === 'map') {
    switch (key) {
      case 'j':
      case 'k':
        move(key === 'j' ? 1 : -1)
        return true
      case 'Enter':
        if (keyRow.peek() === null) return false
        selectDevice(keyRow.peek())
        return true
      case 'f':
        toggleFollow()
        return true
    }
  }
  if (page === 'history') {
    switch (key) {
      case ' ':
        togglePlay()
        return true
      case 'm':
        go(mapPath(device))
        return true
      case '[':
      case ']':
        skip(key === ']' ? 60 : -60)
        return true
    }
  }
  return false
}

function onKey(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return
  const el = e.target as HTMLElement
  if (e.key === 'Escape') {
    if (document.querySelector('dialog[open]')) return
    if (el instanceof HTMLInputElement) el.blur()
    else if (spot.peek()) spot.value = null
    else escape()
    return
  }
  if (shortcuts.peek() === 'off' || el.closest('input, select, textarea, dialog')) return
  // A focused button or link keeps its own Enter and Space.
  if ((e.key === 'Enter' || e.key === ' ') && el.closest('a, button:not(.row), summary')) return
  if (act(e.key)) e.preventDefault()
}

export function listen(): () => void {
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}
