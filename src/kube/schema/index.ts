export { type FieldShape, fieldsOf, schemaVersion, shapeOf } from './schema.ts'
export { findUnknownFields, withoutUnknownFields } from './unknown-fields.ts'
