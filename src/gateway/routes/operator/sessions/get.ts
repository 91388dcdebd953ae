import { SessionInfo } from '../../../../protocol/schemas/operator.ts'
import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'

export const getSession = operatorRoute({
  method: 'GET',
  url: '/v1/sessions/:session',
  operationId: 'getSession',
  summary: 'Read a session',
  access: 'read',
  resource: 'sessions',
  params: Reference('session'),
  response: ok(SessionInfo),
  async handle({ params }, { services, scope }) {
    return { body: found(await services.activity.session(params.session, scope), 'session') }
  },
})
