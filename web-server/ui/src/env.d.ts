// What the bundler supplies: addresses of the files served beside the bundle.
declare module 'waymark:assets' {
  export const MAPLIBRE_URL: string
  export const WORKER_URL: string
  export const WORLD_URL: string
  export const LICENCES_URL: string
}

/** True only in the page the browser tests drive; release builds drop the branch. */
declare const __TEST__: boolean

interface Window {
  __waymark?: unknown
}
