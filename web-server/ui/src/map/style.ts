import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl'
import { accent, speedColours, stateColour, type Palette } from './palette'

const empty = { type: 'FeatureCollection' as const, features: [] }
const font = ['system-ui', 'sans-serif']

function sources(): Record<string, SourceSpecification> {
  const own = (extra = {}): SourceSpecification => ({ type: 'geojson', data: empty, ...extra })
  return {
    world: own({ maxzoom: 10, tolerance: 0.3, attribution: 'Natural Earth' }),
    grid: own({ tolerance: 0, buffer: 0 }),
    trails: own({ lineMetrics: true, tolerance: 0.5 }),
    route: own({ tolerance: 0.5 }),
    ends: own(),
    cursor: own(),
    devices: own({
      cluster: true, clusterRadius: 36, clusterMaxZoom: 14,
      clusterProperties: {
        moving: ['+', ['case', ['==', ['get', 'state'], 'moving'], 1, 0]],
        stopped: ['+', ['case', ['==', ['get', 'state'], 'stopped'], 1, 0]],
      },
    }),
    selected: own(),
  }
}

/** Layers in order from the ground up. Only paint depends on the palette. */
export function layers(p: Palette, lite: boolean): LayerSpecification[] {
  const kind = (k: string): ['==', ['get', string], string] => ['==', ['get', 'k'], k]
  const deviceIcon = {
    'icon-image': ['concat', 'dev-', ['get', 'state']],
    'icon-rotate': ['get', 'course'],
    'icon-rotation-alignment': 'map',
    'icon-allow-overlap': true,
    'icon-ignore-placement': true,
  } as const
  const deviceName = {
    'text-field': ['get', 'name'], 'text-font': font, 'text-size': 12, 'text-anchor': 'top', 'text-offset': [0, 1.25],
    'text-max-width': 12, 'text-optional': true,
  } as const
  const list: LayerSpecification[] = [
    { id: 'water', type: 'background', paint: { 'background-color': p.water } },
    { id: 'land', type: 'fill', source: 'world', filter: kind('land'), paint: { 'fill-color': p.land, 'fill-antialias': false } },
    { id: 'coast', type: 'line', source: 'world', filter: kind('coast'), paint: { 'line-color': p.coast, 'line-width': 0.9 } },
    {
      id: 'border', type: 'line', source: 'world', filter: kind('border'),
      paint: { 'line-color': p.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 2, 0.6, 6, 1.4], 'line-dasharray': [4, 2] },
    },
    {
      id: 'grid-minor', type: 'line', source: 'grid', minzoom: 5, filter: ['==', ['get', 'level'], 0],
      paint: { 'line-color': p.grid, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 5, 0, 8, 0.13] },
    },
    {
      id: 'grid-major', type: 'line', source: 'grid', filter: ['==', ['get', 'level'], 1],
      paint: { 'line-color': p.grid, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 0, 0.16, 8, 0.34] },
    },
    {
      id: 'grid-text', type: 'symbol', source: 'grid', minzoom: 6, filter: ['==', ['get', 'level'], 1],
      layout: {
        'symbol-placement': 'line', 'symbol-spacing': 420, 'text-field': ['get', 'label'], 'text-font': font, 'text-size': 10.5,
        'text-padding': 12, 'text-max-angle': 30,
      },
      paint: { 'text-color': p.gridText, 'text-halo-color': p.halo, 'text-halo-width': 1.6, 'text-opacity': 0.85 },
    },
    {
      id: 'country', type: 'symbol', source: 'world', maxzoom: 8, filter: ['all', kind('label'), ['<=', ['get', 'z'], ['zoom']]],
      layout: {
        'text-field': ['get', 'name'], 'text-font': font, 'text-size': ['interpolate', ['linear'], ['zoom'], 1, 10.5, 6, 14],
        'text-letter-spacing': 0.08, 'text-max-width': 7, 'symbol-sort-key': ['get', 'z'], 'text-padding': 4,
      },
      paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.4 },
    },
    {
      id: 'trails', type: 'line', source: 'trails', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-width': ['interpolate', ['linear'], ['zoom'], 8, 2, 14, 4.5],
        'line-gradient': ['interpolate', ['linear'], ['line-progress'], 0, 'rgba(21,147,63,0)', 0.25, 'rgba(21,147,63,0.25)', 1, 'rgba(21,147,63,0.85)'],
      },
    },
    {
      id: 'route-casing', type: 'line', source: 'route', filter: ['>=', ['get', 'bin'], 0],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.casing, 'line-width': ['interpolate', ['linear'], ['zoom'], 6, 4.5, 14, 9], 'line-opacity': 0.9 },
    },
    {
      id: 'route-gap', type: 'line', source: 'route', filter: ['==', ['get', 'bin'], -1],
      paint: { 'line-color': stateColour.offline, 'line-width': 2, 'line-dasharray': [1.5, 2.5] },
    },
    {
      id: 'route', type: 'line', source: 'route', filter: ['>=', ['get', 'bin'], 0],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': ['match', ['get', 'bin'], 0, speedColours[0]!, 1, speedColours[1]!, 2, speedColours[2]!, 3, speedColours[3]!, speedColours[4]!],
        'line-width': ['interpolate', ['linear'], ['zoom'], 6, 2.5, 14, 5.5],
      },
    },
    {
      id: 'ends', type: 'circle', source: 'ends',
      paint: {
        'circle-radius': 7, 'circle-color': ['match', ['get', 'end'], 'start', p.surface, p.ink],
        'circle-stroke-width': 3, 'circle-stroke-color': ['match', ['get', 'end'], 'start', p.ink, p.surface],
      },
    },
    {
      id: 'clusters', type: 'circle', source: 'devices', filter: ['has', 'point_count'],
      paint: {
        'circle-color': p.surface,
        'circle-radius': ['step', ['get', 'point_count'], 15, 10, 18, 100, 22, 1000, 27],
        'circle-stroke-width': 4,
        'circle-stroke-color': ['case', ['>', ['get', 'moving'], 0], stateColour.moving, ['>', ['get', 'stopped'], 0], stateColour.stopped, stateColour.offline],
      },
    },
    {
      id: 'cluster-count', type: 'symbol', source: 'devices', filter: ['has', 'point_count'],
      layout: { 'text-field': ['get', 'point_count_abbreviated'], 'text-font': font, 'text-size': 12.5, 'text-allow-overlap': true, 'text-ignore-placement': true },
      paint: { 'text-color': p.ink },
    },
    { id: 'devices', type: 'symbol', source: 'devices', filter: ['!', ['has', 'point_count']], layout: { ...deviceIcon } as never },
    {
      id: 'device-names', type: 'symbol', source: 'devices', minzoom: lite ? 12 : 10.5, filter: ['!', ['has', 'point_count']],
      layout: { ...deviceName } as never,
      paint: { 'text-color': p.ink, 'text-halo-color': p.halo, 'text-halo-width': 1.8 },
    },
    {
      id: 'selected-halo', type: 'circle', source: 'selected',
      paint: {
        'circle-radius': 21, 'circle-color': accent, 'circle-opacity': 0.16, 'circle-stroke-width': 2.5, 'circle-stroke-color': accent,
      },
    },
    {
      id: 'selected', type: 'symbol', source: 'selected',
      layout: { ...deviceIcon, 'icon-size': 1.12, ...deviceName, 'text-offset': [0, 2], 'text-size': 13, 'text-optional': false, 'text-allow-overlap': true, 'text-ignore-placement': true } as never,
      paint: { 'text-color': p.ink, 'text-halo-color': p.halo, 'text-halo-width': 2 },
    },
    {
      id: 'cursor', type: 'symbol', source: 'cursor',
      layout: { ...deviceIcon, 'icon-image': 'cursor', 'icon-size': 1.15 } as never,
    },
  ]
  return lite ? list.filter((l) => l.id !== 'country') : list
}

export function style(p: Palette, lite: boolean): StyleSpecification {
  return { version: 8, sources: sources(), layers: layers(p, lite) }
}
