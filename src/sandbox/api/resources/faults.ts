import type { FieldFault } from '../../../protocol/errors/index.ts'

/** apimachinery field.Required. */
export const required = (field: string, detail?: string): FieldFault => ({
  field,
  reason: 'FieldValueRequired',
  message: detail ? `Required value: ${detail}` : 'Required value',
})

/** apimachinery field.Invalid. */
export const invalid = (field: string, value: unknown, detail: string): FieldFault => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value) ?? 'null'}: ${detail}`,
})

/** apimachinery field.Forbidden. */
export const forbidden = (field: string, detail: string): FieldFault => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
})

/** apimachinery field.Duplicate. */
export const duplicate = (field: string, value: unknown): FieldFault => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}`,
})

/** apimachinery field.NotFound. */
export const missing = (field: string, value: unknown): FieldFault => ({
  field,
  reason: 'FieldValueNotFound',
  message: `Not found: ${JSON.stringify(value)}`,
})

/** apimachinery field.NotSupported. */
export const unsupported = (field: string, value: unknown, supported: readonly string[]): FieldFault => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => `"${each}"`).join(', ')}`,
})
