export { decodeKubernetesBody, PROTOBUF_TYPE } from './decode-body.ts'
export { encodeDefinition, encodeOpenApiV2, encodePath } from './encode-openapi.ts'
