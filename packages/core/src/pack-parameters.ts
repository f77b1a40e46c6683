import { type PackParameter, parameterVariable } from '@osb-backup/protocol'
import { err, ok, type Result } from './result.ts'

/** A value as scripts get it. */
interface NamedValue {
  name: string
  value: string
}

/** What is wrong with the declaration of the parameters of a pack; undefined if nothing is. */
export function declarationProblem(parameters: readonly PackParameter[]): string | undefined {
  const variables = parameters.map(({ name }) => parameterVariable(name))
  const repeated = parameters.find((_each, index) => variables.indexOf(variables[index] ?? '') !== index)
  if (repeated !== undefined) return `parameter "${repeated.name}" has the same variable as another one`
  for (const parameter of parameters) {
    const problem = parameterProblem(parameter)
    if (problem !== undefined) return `parameter "${parameter.name}" ${problem}`
  }
  return undefined
}

function parameterProblem(parameter: PackParameter): string | undefined {
  const { type, secret = false, required = false, values = [], minimum, maximum } = parameter
  const isNumeric = type === 'integer' || type === 'number'
  if (!isNumeric && (minimum !== undefined || maximum !== undefined)) return `cannot have a range: it is a ${type}`
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) return 'has an empty range'
  if (parameter.default !== undefined) {
    if (secret) return 'is secret, so it must not have a default: every user of the machine could read it'
    if (required) return 'is required, so its default is never used'
    const problem = valueProblem(parameter, String(parameter.default))
    if (problem !== undefined) return `has a default that ${problem}`
  }
  const wrong = values.find((value) => valueProblem({ ...parameter, values: undefined }, String(value)) !== undefined)
  return wrong === undefined ? undefined : `lists the value ${JSON.stringify(wrong)}, which is none of its own`
}

/**
 * Checks values against what a pack declares, and adds defaults. Names are compared as the variables that they become. What is
 * not declared is passed on unchanged: brokers set parameters for their own use.
 *
 * @param given - Of duplicate variables the last one counts.
 * @returns The values for the scripts; or what is wrong, without the value of a secret.
 */
export function resolveParameters(
  declared: readonly PackParameter[],
  given: readonly NamedValue[],
): Result<readonly NamedValue[]> {
  const byVariable = new Map(given.map((each) => [parameterVariable(each.name), each]))
  for (const parameter of declared) {
    const variable = parameterVariable(parameter.name)
    const found = byVariable.get(variable)
    // An empty text is how null and an empty field of a form arrive.
    const canBeEmpty = parameter.type === 'string' && parameter.values === undefined
    if (found !== undefined && (found.value !== '' || canBeEmpty)) {
      const problem = valueProblem(parameter, found.value)
      if (problem !== undefined) return err(`parameter "${parameter.name}" ${problem}`)
      if (parameter.required && found.value === '') return err(`parameter "${parameter.name}" is required`)
      continue
    }
    if (parameter.required) return err(`parameter "${parameter.name}" is required`)
    byVariable.delete(variable)
    const { name, default: value } = parameter
    if (value !== undefined) byVariable.set(variable, { name, value: String(value) })
  }
  return ok([...byVariable.values()])
}

/** Why a value does not suit a parameter. */
function valueProblem(
  {
    type,
    secret,
    values,
    minimum,
    maximum,
  }: Omit<PackParameter, 'values'> & { values?: PackParameter['values'] | undefined },
  value: string,
): string | undefined {
  const shown = secret ? '' : `, not ${JSON.stringify(value.slice(0, 100))}`
  if (type === 'boolean' && value !== 'true' && value !== 'false') return `must be true or false${shown}`
  if (type === 'integer' && !/^-?\d{1,15}$/.test(value)) return `must be a whole number${shown}`
  if (type === 'number' && !/^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return `must be a number${shown}`
  if (minimum !== undefined && Number(value) < minimum) return `must be at least ${minimum}${shown}`
  if (maximum !== undefined && Number(value) > maximum) return `must be at most ${maximum}${shown}`
  if (values !== undefined && !values.some((each) => String(each) === value)) {
    return `must be one of ${values.join(', ')}${shown}`
  }
  return undefined
}
