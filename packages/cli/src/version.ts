import packageJson from '../package.json' with { type: 'json' }

/** The version of the project. */
export const { version } = packageJson
