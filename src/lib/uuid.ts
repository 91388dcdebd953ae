const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether this is a UUID in its canonical lower-case form, the only one that we hand out. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value)
}
