import { z } from 'zod'

/** A database's name as agents accept it: it becomes part of a path and of an object's name. */
export const itemSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^(?!-)[^/\p{Cc}]+$/u, 'must not begin with a dash or hold a slash or a control character')
  .refine((item) => item !== '.' && item !== '..' && item !== '__proto__', 'is not a name that can be backed up')

/** Items of an instance: names, or patterns in which `*` matches any text. */
export const itemPatternsSchema = z
  .array(itemSchema)
  .max(1000)
  .refine((items) => new Set(items).size === items.length, 'must not repeat an item')
