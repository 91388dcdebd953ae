import { shapeOf } from './schema.ts'

type Path = string

/**
 * The paths of the fields that Kubernetes' schema does not know, in the order of the object, such as
 * `spec.containers[0].imagee`. `type` is a kind of the schema (`Pod`, `ConfigMap`, `Eviction`, …).
 * At most `limit` are told. Source: kubernetes-face.md 6a.
 */
export function findUnknownFields(type: string, value: unknown, limit = 100): Path[] {
  const found: Path[] = []
  find(type, value, '', found, limit)
  return found
}

/** Looks and copies nothing: nearly every object is known throughout. */
function find(type: string, value: unknown, path: Path, found: Path[], limit: number): void {
  if (!isObject(value)) return
  for (const field of Object.keys(value)) {
    if (found.length >= limit) return
    const shape = shapeOf(type, field)
    const at = () => (path === '' ? field : `${path}.${field}`)
    if (shape === undefined) {
      found.push(at())
      continue
    }
    const element = shape.type
    if (element === undefined) continue
    const inner = value[field]
    if (shape.container === 'list' && Array.isArray(inner)) {
      const list = at()
      for (let index = 0; index < inner.length; index++) {
        find(element, inner[index], `${list}[${index}]`, found, limit)
      }
    } else if (shape.container === 'map' && isObject(inner)) {
      for (const key of Object.keys(inner)) find(element, inner[key], `${at()}[${key}]`, found, limit)
    } else find(element, inner, at(), found, limit)
  }
}

/** A copy of the object without the fields that the schema does not know. */
export function withoutUnknownFields<T>(type: string, value: T): T {
  return known(type, value) as T
}

function known(type: string, value: unknown): unknown {
  if (!isObject(value)) return value
  const copy: Record<string, unknown> = Object.create(null)
  for (const [field, inner] of Object.entries(value)) {
    const shape = shapeOf(type, field)
    if (shape === undefined) continue
    const element = shape.type
    if (element === undefined) copy[field] = inner
    else if (shape.container === 'list' && Array.isArray(inner)) {
      copy[field] = inner.map((item) => known(element, item))
    } else if (shape.container === 'map' && isObject(inner)) {
      copy[field] = Object.fromEntries(
        Object.entries(inner).map(([key, item]) => [key, known(element, item)]),
      )
    } else copy[field] = known(element, inner)
  }
  return { ...copy }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
