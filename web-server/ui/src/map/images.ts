import type { Map as GLMap } from 'maplibre-gl'
import type { State } from '../types'
import { accent, stateColour } from './palette'

// Device marks, drawn once on a canvas: shape says the state as colour does.

const SIZE = 32
const RATIO = 2

type Draw = (c: CanvasRenderingContext2D) => void

function arrow(c: CanvasRenderingContext2D): void {
  c.beginPath()
  c.moveTo(16, 3.5)
  c.lineTo(25, 27)
  c.lineTo(16, 21.5)
  c.lineTo(7, 27)
  c.closePath()
}

function paint(c: CanvasRenderingContext2D, fill: string, path: Draw): void {
  c.shadowColor = 'rgba(10, 20, 25, 0.45)'
  c.shadowBlur = 5
  c.shadowOffsetY = 2
  path(c)
  c.lineJoin = 'round'
  c.lineWidth = 4.5
  c.strokeStyle = '#ffffff'
  c.stroke()
  c.shadowColor = 'transparent'
  c.fillStyle = fill
  c.fill()
}

const shapes: Record<State, Draw> = {
  moving: (c) => paint(c, stateColour.moving, arrow),
  stopped: (c) => {
    paint(c, stateColour.stopped, () => {
      c.beginPath()
      c.arc(16, 16, 9.5, 0, 7)
    })
    c.fillStyle = '#ffffff'
    c.beginPath()
    c.roundRect(12.5, 12.5, 7, 7, 1.2)
    c.fill()
  },
  offline: (c) => {
    paint(c, stateColour.offline, () => {
      c.beginPath()
      c.moveTo(16, 5)
      c.lineTo(27, 16)
      c.lineTo(16, 27)
      c.lineTo(5, 16)
      c.closePath()
    })
    c.fillStyle = '#ffffff'
    c.beginPath()
    c.moveTo(16, 11)
    c.lineTo(21, 16)
    c.lineTo(16, 21)
    c.lineTo(11, 16)
    c.closePath()
    c.fill()
  },
}

function image(draw: Draw): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIZE * RATIO
  const c = canvas.getContext('2d', { willReadFrequently: true })!
  c.scale(RATIO, RATIO)
  draw(c)
  return c.getImageData(0, 0, SIZE * RATIO, SIZE * RATIO)
}

export function addImages(map: GLMap): void {
  for (const state of ['moving', 'stopped', 'offline'] as const) {
    map.addImage('dev-' + state, image(shapes[state]), { pixelRatio: RATIO })
  }
  map.addImage('cursor', image((c) => paint(c, accent, arrow)), { pixelRatio: RATIO })
}
