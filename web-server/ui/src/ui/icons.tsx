import type { State } from '../types'

// Drawn on a 24 grid with a 2 px line.
const paths = {
  map: 'M9 4 3 6.5v13.5l6-2.5 6 2.5 6-2.5V4l-6 2.5zM9 4v13.5M15 6.5V20',
  history: 'M3.5 12a8.5 8.5 0 1 0 2.6-6.1L3.5 8.4M3.5 3.8v4.6h4.6M12 7.5V12l3.2 2',
  devices: 'M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.8-4.8',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5 8 12l6.5 7',
  next: 'M9.5 5 16 12l-6.5 7',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  follow: 'M12 3v4M12 17v4M3 12h4M17 12h4M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z',
  play: 'M8 5v14l11-7z',
  pause: 'M8 5v14M16 5v14',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  logout: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4',
  help: 'M9 9.2a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2M12 17.5h.01M12 21.5a9.5 9.5 0 1 0 0-19 9.5 9.5 0 0 0 0 19z',
  battery: 'M3 8h15v8H3zM21 11v2',
  clock: 'M12 7v5l3 2M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z',
  speed: 'M4.5 18a9 9 0 1 1 15 0M12 14l4-5',
  pin: 'M12 21c4-4.5 6.5-8 6.5-11a6.5 6.5 0 0 0-13 0c0 3 2.5 6.5 6.5 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  signal: 'M5 19v-4M10 19v-8M15 19V8M20 19V4',
  send: 'M21 4 3 11l6 2.5L11.5 20z M9 13.5 21 4',
  warn: 'M12 4 2.5 20h19zM12 10v4.5M12 17.3h.01',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  phone: 'M7 3h10v18H7zM11 18h2',
  route: 'M6 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM18 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 18h7a3 3 0 0 0 0-6H9a3 3 0 0 1 0-6h7',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class={'ico ico-' + name} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
      stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

/** The same shape a device has on the map: never told by colour alone. */
export function StateIcon({ state, course = 0, size = 22 }: { state: State; course?: number; size?: number }) {
  return (
    <svg class={'mark mark-' + state} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      {state === 'moving' && <path d="M12 2.5 19 21l-7-4.3L5 21Z" transform={`rotate(${Math.round(course)} 12 12)`} />}
      {state === 'stopped' && <path fill-rule="evenodd" d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 8.5h6a.5.5 0 0 1 .5.5v6a.5.5 0 0 1-.5.5H9a.5.5 0 0 1-.5-.5V9a.5.5 0 0 1 .5-.5z" />}
      {state === 'offline' && <path fill-rule="evenodd" d="M12 2.5 21.5 12 12 21.5 2.5 12ZM12 7l-5 5 5 5 5-5z" />}
    </svg>
  )
}

export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 1.5 30.5 16 16 30.5 1.5 16Z" fill="#e8590c" />
      <path d="M16 6.5 22.5 23 16 19.5 9.5 23Z" fill="#fff" />
    </svg>
  )
}
