import { found, missing } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Empty, Reference } from '../schemas.ts'

export const killSession = operatorRoute({
  method: 'DELETE',
  url: '/v1/sessions/:session',
  operationId: 'killSession',
  summary: 'End a stream, on whichever replica it is; idempotent',
  access: 'tenant',
  resource: 'sessions',
  params: Reference('session'),
  response: { 204: Empty },
  async handle({ params }, { services, scope }) {
    const session = found(await services.activity.session(params.session, scope), 'session')
    if (!(await services.activity.killSession(session.id, scope))) throw missing('session')
    return { subject: { name: session.id } }
  },
})
