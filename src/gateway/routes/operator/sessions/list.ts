import { pageReply } from '../../../../lib/page.ts'
import { SessionInfo, SessionQuery } from '../../../../protocol/schemas/operator.ts'
import { filterIds } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { pageOf, pageOfQuery } from '../schemas.ts'

export const listSessions = operatorRoute({
  method: 'GET',
  url: '/v1/sessions',
  operationId: 'listSessions',
  summary: 'List exec, attach, log-follow and port-forward streams, oldest first',
  access: 'read',
  resource: 'sessions',
  query: SessionQuery,
  response: pageOf(SessionInfo),
  async handle({ query }, context) {
    const { tenantId, nodeId } = await filterIds(context, query)
    const filter = { tenantId, nodeId, ended: query.all ?? false, scope: context.scope }
    return { body: pageReply(await context.services.activity.sessions(pageOfQuery(query), filter)) }
  },
})
