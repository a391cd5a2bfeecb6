import type { State } from '../types'

export interface Palette {
  water: string
  land: string
  coast: string
  border: string
  label: string
  halo: string
  grid: string
  gridText: string
  ink: string
  surface: string
  casing: string
}

export const light: Palette = {
  water: '#cfdfe6', land: '#f6f3ea', coast: '#9db4bf', border: '#cbbfa6', label: '#7a6f5c', halo: '#f6f3ea',
  grid: '#8c8262', gridText: '#6f674e', ink: '#1d2a2f', surface: '#ffffff', casing: '#ffffff',
}

export const night: Palette = {
  water: '#0d151b', land: '#1a242b', coast: '#33454f', border: '#3b4a53', label: '#8fa0aa', halo: '#1a242b',
  grid: '#8fb0bd', gridText: '#8fa3ad', ink: '#eef3f5', surface: '#202c34', casing: '#0b1216',
}

/** The colours of states on the map; the CSS variables of the page match. */
export const stateColour: Record<State, string> = { moving: '#15933f', stopped: '#2563eb', offline: '#6b7780' }

/** Upper limits in km/h of the speed classes of a route, and their colours. */
export const speedLimits = [10, 30, 60, 90]
export const speedColours = ['#4c4fc9', '#0e8fb3', '#2f9e44', '#f08c00', '#e03131']

export const accent = '#e8590c'
