import document from './schema.generated.json' with { type: 'json' }

/** How a field is made: a scalar (or free form), an object of a named type, a list or a map. */
export interface FieldShape {
  container: 'none' | 'list' | 'map'
  /** Type name of the object, or of each element; undefined for scalars. */
  type: string | undefined
  /** For lists with identity: the fields that make the key of an element. */
  keys: readonly string[] | undefined
}

const types = document.types as Record<string, Record<string, string>>
const listKeys = document.listKeys as Record<string, string[]>

/** Kubernetes' version of the schema, such as `v1.36.3`. */
export const schemaVersion = document.version

/** The fields of a type, or undefined when the type is not known. */
export function fieldsOf(type: string): readonly string[] | undefined {
  const fields = types[type]
  return fields === undefined ? undefined : Object.keys(fields)
}

/** The shape of a field, or undefined when the type has no such field. */
export function shapeOf(type: string, field: string): FieldShape | undefined {
  const known = shapes.get(type)
  const shape = known?.get(field)
  if (shape !== undefined) return shape
  const fields = types[type]
  if (fields === undefined || !Object.hasOwn(fields, field)) return undefined
  const read = readShape(type, field, fields[field] ?? 'scalar')
  if (known === undefined) shapes.set(type, new Map([[field, read]]))
  else known.set(field, read)
  return read
}

/** Read once: a pod of 2 MiB asks for the shape of the same few fields 100,000 times. Only fields of the schema are in it. */
const shapes = new Map<string, Map<string, FieldShape>>()

function readShape(type: string, field: string, text: string): FieldShape {
  const container = text.startsWith('[]') ? 'list' : text.startsWith('{}') ? 'map' : 'none'
  const element = container === 'none' ? text : text.slice(2)
  const type_ = Object.hasOwn(types, element) ? element : undefined
  return { container, type: type_, keys: listKeys[`${type}.${field}`] }
}
