declare module 'postject' {
  /** Adds a resource to an executable, in its place. */
  export function inject(path: string, name: string, resource: Buffer, options: { sentinelFuse: string }): Promise<void>
}
