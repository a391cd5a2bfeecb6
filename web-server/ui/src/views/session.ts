import { batch } from '@preact/signals'
import * as api from '../api'
import { start, stop } from '../live'
import { following, query, server, sort, spot, stateFilter, user } from '../store'
import { setTrack } from '../track'
import type { User } from '../types'

export function enter(u: User): void {
  user.value = u
  start()
}

/** Ends what the session showed; the login page appears by itself. */
export function leave(): void {
  stop()
  batch(() => {
    user.value = null
    query.value = ''
    stateFilter.value = null
    spot.value = null
    sort.value = 'name'
    following.value = null
    setTrack(null)
    server.value = { ...server.value, newServer: false }
  })
}

export async function logout(): Promise<void> {
  try {
    await api.logout()
  } finally {
    leave()
  }
}
