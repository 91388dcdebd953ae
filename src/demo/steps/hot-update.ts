import { NAMESPACE } from '../manifests.ts'
import type { Step } from '../step.ts'
import { until } from '../wait.ts'
import { fetchPage } from './port-forward.ts'

/** An edit of the ConfigMap reaches the running pod. */
export const hotUpdate: Step = {
  title: 'The ConfigMap is edited, and the running pod sees it',
  async run(stage) {
    const edited = performance.now()
    await stage.user.json({
      method: 'PATCH',
      path: ['api', 'v1', 'namespaces', NAMESPACE, 'configmaps', 'web'],
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { data: { greeting: 'good evening' } },
    })
    const page = await until('the pod answers with the new greeting', 20, async () => {
      const answer = await fetchPage(stage)
      return answer.greeting === 'good evening' ? answer : undefined
    })
    return {
      shown: `${Math.round(performance.now() - edited)} ms after the edit it answers ${JSON.stringify(page.greeting)}`,
    }
  },
}
