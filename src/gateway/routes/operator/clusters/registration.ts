import type { KubeTarget } from '../../../../kube/client/types.ts'
import { parseKubeconfig } from '../../../../kube/kubeconfig/index.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { ClusterUpdate } from '../../../../protocol/schemas/operator.ts'
import { type ClusterWrite, checkCluster, sealCredential } from '../../../clusters/index.ts'
import type { OperatorServices } from '../services.ts'

type Target = KubeTarget & { token?: string }

const fault = (field: string, message: string) =>
  new IsthmusError('invalid', `${field}: ${message}`, {
    causes: [{ field, reason: 'FieldValueInvalid', message }],
  })

/** The address and credential of a request, from its kubeconfig or its fields. @throws invalid */
export function targetOf(body: ClusterUpdate): Target {
  if (body.kubeconfig !== undefined) {
    if (body.server ?? body.token ?? body.clientCertificate)
      throw fault('kubeconfig', 'is given besides server or credential')
    return parseKubeconfig(body.kubeconfig) as Target
  }
  const { server, ca, tlsServerName, token, clientCertificate, clientKey } = body
  if (server === undefined) throw fault('server', 'is required, or a kubeconfig')
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw fault('clientKey', 'certificate and key go together')
  }
  const certificate =
    clientCertificate !== undefined && clientKey !== undefined
      ? { cert: clientCertificate, key: clientKey }
      : undefined
  if ((token === undefined) === (certificate === undefined)) {
    throw fault('token', 'either a token or a client certificate is required')
  }
  return { server, ca, tlsServerName, token, clientCertificate: certificate }
}

/** Whether the request changes where and as whom the data plane is reached. */
export function changesTarget(body: ClusterUpdate): boolean {
  const { kubeconfig, server, ca, tlsServerName, token, clientCertificate, clientKey } = body
  return [kubeconfig, server, ca, tlsServerName, token, clientCertificate, clientKey].some(
    (value) => value !== undefined,
  )
}

/** Checks the data plane with the very credential that will be stored, then seals it. Where it may be is the client's to know (threat A15). @throws invalid, bad_gateway */
export async function checkedRegistration(
  clusterId: string,
  target: Target,
  services: OperatorServices,
): Promise<ClusterWrite> {
  const client = services.createClient(target)
  try {
    const { kubernetesVersion } = await checkCluster(client)
    const { token, clientCertificate } = target
    return {
      server: target.server,
      ca: target.ca,
      tlsServerName: target.tlsServerName,
      kubernetesVersion,
      sealedCredential: sealCredential(services.sealer, clusterId, { token, clientCertificate }),
    }
  } finally {
    await client.close()
  }
}
