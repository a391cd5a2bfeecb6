import { effect, signal, type Signal } from '@preact/signals'

// Choices of this browser. They live in localStorage, which may be refused.

function read(key: string): string | null {
  try {
    return localStorage.getItem('waymark.' + key)
  } catch {
    return null
  }
}

function persisted<T extends string>(key: string, allowed: readonly T[], fallback: T): Signal<T> {
  const saved = read(key) as T | null
  const s = signal<T>(saved !== null && allowed.includes(saved) ? saved : fallback)
  effect(() => {
    const v = s.value
    try {
      localStorage.setItem('waymark.' + key, v)
    } catch {
      // The choice then lasts until the page is closed.
    }
  })
  return s
}

export type Theme = 'auto' | 'light' | 'dark'
export type Lang = 'en' | 'de'

export const theme = persisted<Theme>('theme', ['auto', 'light', 'dark'], 'auto')
export const lang = persisted<Lang>('lang', ['en', 'de'], navigator.language.startsWith('de') ? 'de' : 'en')
export const lite = persisted<'auto' | 'on' | 'off'>('lite', ['auto', 'on', 'off'], 'auto')
export const shortcuts = persisted<'on' | 'off'>('shortcuts', ['on', 'off'], 'on')

const darkQuery = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(darkQuery.matches)
darkQuery.addEventListener('change', (e) => (systemDark.value = e.matches))

/** The theme in force. */
export const dark = signal(false)
effect(() => {
  dark.value = theme.value === 'dark' || (theme.value === 'auto' && systemDark.value)
})
effect(() => {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
})
effect(() => {
  document.documentElement.lang = lang.value
})

const narrowQuery = matchMedia('(max-width: 719px)')
/** Phone layout: bottom sheet and tab bar. */
export const narrow = signal(narrowQuery.matches)
narrowQuery.addEventListener('change', (e) => (narrow.value = e.matches))

const calmQuery = matchMedia('(prefers-reduced-motion: reduce)')
/** True when the user asked the system for less movement. */
export const calm = () => calmQuery.matches
