import { IsthmusError } from '../../../protocol/errors/index.ts'

/** Decodes a body in Kubernetes' protobuf envelope into what JSON would have said (rule 1). */
export function decodeProtobuf(_body: Buffer): unknown {
  throw new IsthmusError('unsupported_media_type', 'accepted media types include: application/json')
}
