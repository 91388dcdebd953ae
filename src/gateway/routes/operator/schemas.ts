import Type, { type TSchema } from 'typebox'
import { pageRequest } from '../../../lib/page.ts'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { PageOf, PageQuery, RemovalReport } from '../../../protocol/schemas/operator.ts'

/** A path parameter: an id, or a name where names are unique. */
export const Reference = <K extends string>(key: K) =>
  Type.Object({ [key]: Type.String({ minLength: 1, maxLength: 256 }) } as Record<
    K,
    ReturnType<typeof Type.String>
  >)

/** `limit`, `continue` and the given filters; anything else is refused. */
export const ListQuery = (...filters: string[]) =>
  Type.Object(
    {
      ...PageQuery.properties,
      ...Object.fromEntries(filters.map((name) => [name, Type.Optional(Type.String({ maxLength: 256 }))])),
    } as typeof PageQuery.properties,
    { additionalProperties: false },
  )

export const Empty = Type.Null({ description: 'No content.' })

export const ok = <T extends TSchema>(schema: T) => ({ 200: schema })
export const created = <T extends TSchema>(schema: T) => ({ 201: schema })
export const pageOf = <T extends TSchema>(schema: T) => ({ 200: PageOf(schema) })
/** 200: gone, but for what is told; 202: accepted, it goes on in the background. */
export const removed = { 200: RemovalReport, 202: Type.Union([RemovalReport, Empty]), 204: Empty }

/** @throws bad_request for a continue token that is not ours */
export function pageOfQuery(query: { limit?: number; continue?: string }) {
  try {
    return pageRequest(query)
  } catch (error) {
    throw new IsthmusError('bad_request', 'The continue token is not one of this list.', { cause: error })
  }
}
