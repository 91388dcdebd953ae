import { NODE, type Stage } from './stage.ts'

/** What `--keep` prints: where things are and what to try. */
export function farewell(stage: Stage): string {
  const user = stage.userCluster.kubeconfig
  return `
Left running; Ctrl-C cleans up.

  user’s cluster   ${user}
  data plane       ${stage.dataPlane.kubeconfig}
  gateway          ${stage.gateway.publicUrl} (operator face ${stage.gateway.operatorUrl})

Try:
  kubectl --kubeconfig ${user} get nodes,pods -o wide
  kubectl --kubeconfig ${user} exec -it web -- sh
  kubectl --kubeconfig ${stage.dataPlane.kubeconfig} get pods -A

The operator’s commands:
  export ISTHMUS_SERVER=${stage.gateway.operatorUrl} ISTHMUS_CA=${stage.gateway.caFile} ISTHMUS_TOKEN_FILE=${stage.gateway.operatorTokenFile}
  npm run isthmus -- usage
  npm run isthmus -- node get acme/${NODE}
`
}
