import { lite } from '../prefs'

// Whether a graphics card draws, or the processor pretends to be one. In the
// second case the map leaves out what costs frames ("lite mode").

const software = /swiftshader|llvmpipe|softpipe|basic render|software/i
let probed: boolean | null = null

function softwareRenderer(): boolean {
  if (probed !== null) return probed
  probed = false
  const gl = document.createElement('canvas').getContext('webgl2')
  if (gl) {
    const info = gl.getExtension('WEBGL_debug_renderer_info')
    probed = software.test(String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)))
    gl.getExtension('WEBGL_lose_context')?.loseContext()
  }
  return probed
}

export function isLite(): boolean {
  return lite.value === 'on' || (lite.value === 'auto' && softwareRenderer())
}
