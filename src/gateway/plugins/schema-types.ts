import type { FastifySchema } from 'fastify'

/** A route's schema with what OpenAPI says of the operation besides. */
export interface OperationSchema extends FastifySchema {
  operationId: string
  summary: string
  tags: string[]
}

/** A route's schema, checked and passed on. */
export function operation(schema: OperationSchema): OperationSchema {
  return schema
}
