import packageJson from '../package.json' with { type: 'json' }

/** The version of the project: its packages are released together, under one number. */
export const VERSION: string = packageJson.version
