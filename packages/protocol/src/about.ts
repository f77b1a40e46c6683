/**
 * What OpenAPI shows of a property: a sentence for people and a value as the API writes it. Every property of `v1/` has
 * both; a test says which does not.
 *
 * @returns With the example twice: zod leaves `examples` out where it describes the input of a schema that transforms, as the
 *   lenient ones of the legacy API do. `x-example` is removed before a description is published.
 */
export function about(
  description: string,
  example: unknown,
): { description: string; examples: unknown[]; 'x-example': unknown } {
  return { description, examples: [example], 'x-example': example }
}
