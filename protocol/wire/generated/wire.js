/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;

const $root = $protobuf.roots["retile-wire"] || ($protobuf.roots["retile-wire"] = {});

export const retile = $root.retile = (() => {

    const retile = {};

    retile.wire = (function() {

        const wire = {};

        wire.v1 = (function() {

            const v1 = {};

            v1.Driver = (function() {

                function Driver(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Driver.prototype.version = "";
                Driver.prototype.sha256 = $util.newBuffer([]);

                Driver.create = function create(properties) {
                    return new Driver(properties);
                };

                Driver.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                        writer.uint32(10).string(message.version);
                    if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                        writer.uint32(18).bytes(message.sha256);
                    return writer;
                };

                Driver.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Driver();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.version = reader.string();
                                break;
                            }
                        case 2: {
                                message.sha256 = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Driver;
            })();

            v1.EnrolRequest = (function() {

                function EnrolRequest(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                EnrolRequest.prototype.tenant = "";
                EnrolRequest.prototype.device = "";
                EnrolRequest.prototype.publicKey = $util.newBuffer([]);
                EnrolRequest.prototype.soc = "";
                EnrolRequest.prototype.agentVersion = "";
                EnrolRequest.prototype.token = "";

                EnrolRequest.create = function create(properties) {
                    return new EnrolRequest(properties);
                };

                EnrolRequest.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.tenant != null && Object.hasOwnProperty.call(message, "tenant"))
                        writer.uint32(10).string(message.tenant);
                    if (message.device != null && Object.hasOwnProperty.call(message, "device"))
                        writer.uint32(18).string(message.device);
                    if (message.publicKey != null && Object.hasOwnProperty.call(message, "publicKey"))
                        writer.uint32(26).bytes(message.publicKey);
                    if (message.soc != null && Object.hasOwnProperty.call(message, "soc"))
                        writer.uint32(34).string(message.soc);
                    if (message.agentVersion != null && Object.hasOwnProperty.call(message, "agentVersion"))
                        writer.uint32(42).string(message.agentVersion);
                    if (message.token != null && Object.hasOwnProperty.call(message, "token"))
                        writer.uint32(50).string(message.token);
                    return writer;
                };

                EnrolRequest.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.EnrolRequest();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.tenant = reader.string();
                                break;
                            }
                        case 2: {
                                message.device = reader.string();
                                break;
                            }
                        case 3: {
                                message.publicKey = reader.bytes();
                                break;
                            }
                        case 4: {
                                message.soc = reader.string();
                                break;
                            }
                        case 5: {
                                message.agentVersion = reader.string();
                                break;
                            }
                        case 6: {
                                message.token = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return EnrolRequest;
            })();

            v1.EnrolReply = (function() {

                function EnrolReply(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                EnrolReply.prototype.keyId = "";
                EnrolReply.prototype.reportEpoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                EnrolReply.prototype.pollIntervalSeconds = 0;
                EnrolReply.prototype.serverTimeMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                EnrolReply.create = function create(properties) {
                    return new EnrolReply(properties);
                };

                EnrolReply.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.keyId != null && Object.hasOwnProperty.call(message, "keyId"))
                        writer.uint32(10).string(message.keyId);
                    if (message.reportEpoch != null && Object.hasOwnProperty.call(message, "reportEpoch"))
                        writer.uint32(16).uint64(message.reportEpoch);
                    if (message.pollIntervalSeconds != null && Object.hasOwnProperty.call(message, "pollIntervalSeconds"))
                        writer.uint32(24).uint32(message.pollIntervalSeconds);
                    if (message.serverTimeMs != null && Object.hasOwnProperty.call(message, "serverTimeMs"))
                        writer.uint32(32).uint64(message.serverTimeMs);
                    return writer;
                };

                EnrolReply.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.EnrolReply();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.keyId = reader.string();
                                break;
                            }
                        case 2: {
                                message.reportEpoch = reader.uint64();
                                break;
                            }
                        case 3: {
                                message.pollIntervalSeconds = reader.uint32();
                                break;
                            }
                        case 4: {
                                message.serverTimeMs = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return EnrolReply;
            })();

            v1.CheckInRequest = (function() {

                function CheckInRequest(properties) {
                    this.models = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                CheckInRequest.prototype.tenant = "";
                CheckInRequest.prototype.device = "";
                CheckInRequest.prototype.soc = "";
                CheckInRequest.prototype.agentVersion = "";
                CheckInRequest.prototype.current = null;
                CheckInRequest.prototype.previous = null;
                CheckInRequest.prototype.recovery = null;
                CheckInRequest.prototype.metadata = null;
                CheckInRequest.prototype.models = $util.emptyArray;
                CheckInRequest.prototype.reportEpoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CheckInRequest.prototype.acknowledgedSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CheckInRequest.prototype.assignmentEpoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CheckInRequest.prototype.assignmentSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CheckInRequest.prototype.sandbox = 0;
                CheckInRequest.prototype.refusedOrder = "";
                CheckInRequest.prototype.assignmentSha256 = $util.newBuffer([]);

                CheckInRequest.create = function create(properties) {
                    return new CheckInRequest(properties);
                };

                CheckInRequest.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.tenant != null && Object.hasOwnProperty.call(message, "tenant"))
                        writer.uint32(10).string(message.tenant);
                    if (message.device != null && Object.hasOwnProperty.call(message, "device"))
                        writer.uint32(18).string(message.device);
                    if (message.soc != null && Object.hasOwnProperty.call(message, "soc"))
                        writer.uint32(26).string(message.soc);
                    if (message.agentVersion != null && Object.hasOwnProperty.call(message, "agentVersion"))
                        writer.uint32(34).string(message.agentVersion);
                    if (message.current != null && Object.hasOwnProperty.call(message, "current"))
                        $root.retile.wire.v1.Driver.encode(message.current, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.previous != null && Object.hasOwnProperty.call(message, "previous"))
                        $root.retile.wire.v1.Driver.encode(message.previous, writer.uint32(50).fork(), q + 1).ldelim();
                    if (message.recovery != null && Object.hasOwnProperty.call(message, "recovery"))
                        $root.retile.wire.v1.Driver.encode(message.recovery, writer.uint32(58).fork(), q + 1).ldelim();
                    if (message.metadata != null && Object.hasOwnProperty.call(message, "metadata"))
                        $root.retile.wire.v1.MetadataVersions.encode(message.metadata, writer.uint32(66).fork(), q + 1).ldelim();
                    if (message.models != null && message.models.length)
                        for (let i = 0; i < message.models.length; ++i)
                            $root.retile.wire.v1.Model.encode(message.models[i], writer.uint32(74).fork(), q + 1).ldelim();
                    if (message.reportEpoch != null && Object.hasOwnProperty.call(message, "reportEpoch"))
                        writer.uint32(80).uint64(message.reportEpoch);
                    if (message.acknowledgedSequence != null && Object.hasOwnProperty.call(message, "acknowledgedSequence"))
                        writer.uint32(88).uint64(message.acknowledgedSequence);
                    if (message.assignmentEpoch != null && Object.hasOwnProperty.call(message, "assignmentEpoch"))
                        writer.uint32(96).uint64(message.assignmentEpoch);
                    if (message.assignmentSequence != null && Object.hasOwnProperty.call(message, "assignmentSequence"))
                        writer.uint32(104).uint64(message.assignmentSequence);
                    if (message.sandbox != null && Object.hasOwnProperty.call(message, "sandbox"))
                        writer.uint32(112).int32(message.sandbox);
                    if (message.refusedOrder != null && Object.hasOwnProperty.call(message, "refusedOrder"))
                        writer.uint32(122).string(message.refusedOrder);
                    if (message.assignmentSha256 != null && Object.hasOwnProperty.call(message, "assignmentSha256"))
                        writer.uint32(130).bytes(message.assignmentSha256);
                    return writer;
                };

                CheckInRequest.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.CheckInRequest();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.tenant = reader.string();
                                break;
                            }
                        case 2: {
                                message.device = reader.string();
                                break;
                            }
                        case 3: {
                                message.soc = reader.string();
                                break;
                            }
                        case 4: {
                                message.agentVersion = reader.string();
                                break;
                            }
                        case 5: {
                                message.current = $root.retile.wire.v1.Driver.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.previous = $root.retile.wire.v1.Driver.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 7: {
                                message.recovery = $root.retile.wire.v1.Driver.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 8: {
                                message.metadata = $root.retile.wire.v1.MetadataVersions.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 9: {
                                if (!(message.models && message.models.length))
                                    message.models = [];
                                message.models.push($root.retile.wire.v1.Model.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        case 10: {
                                message.reportEpoch = reader.uint64();
                                break;
                            }
                        case 11: {
                                message.acknowledgedSequence = reader.uint64();
                                break;
                            }
                        case 12: {
                                message.assignmentEpoch = reader.uint64();
                                break;
                            }
                        case 13: {
                                message.assignmentSequence = reader.uint64();
                                break;
                            }
                        case 14: {
                                message.sandbox = reader.int32();
                                break;
                            }
                        case 15: {
                                message.refusedOrder = reader.string();
                                break;
                            }
                        case 16: {
                                message.assignmentSha256 = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return CheckInRequest;
            })();

            v1.SandboxLevel = (function() {
                const valuesById = {}, values = Object.create(valuesById);
                values[valuesById[0] = "SANDBOX_LEVEL_UNSPECIFIED"] = 0;
                values[valuesById[1] = "SANDBOX_LEVEL_DEGRADED"] = 1;
                values[valuesById[2] = "SANDBOX_LEVEL_STRONG"] = 2;
                return values;
            })();

            v1.MetadataVersions = (function() {

                function MetadataVersions(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                MetadataVersions.prototype.root = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                MetadataVersions.prototype.timestamp = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                MetadataVersions.prototype.snapshot = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                MetadataVersions.prototype.targets = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                MetadataVersions.create = function create(properties) {
                    return new MetadataVersions(properties);
                };

                MetadataVersions.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.root != null && Object.hasOwnProperty.call(message, "root"))
                        writer.uint32(8).uint64(message.root);
                    if (message.timestamp != null && Object.hasOwnProperty.call(message, "timestamp"))
                        writer.uint32(16).uint64(message.timestamp);
                    if (message.snapshot != null && Object.hasOwnProperty.call(message, "snapshot"))
                        writer.uint32(24).uint64(message.snapshot);
                    if (message.targets != null && Object.hasOwnProperty.call(message, "targets"))
                        writer.uint32(32).uint64(message.targets);
                    return writer;
                };

                MetadataVersions.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.MetadataVersions();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.root = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.timestamp = reader.uint64();
                                break;
                            }
                        case 3: {
                                message.snapshot = reader.uint64();
                                break;
                            }
                        case 4: {
                                message.targets = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return MetadataVersions;
            })();

            v1.Model = (function() {

                function Model(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Model.prototype.model = "";
                Model.prototype.sha256 = $util.newBuffer([]);

                Model.create = function create(properties) {
                    return new Model(properties);
                };

                Model.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.model != null && Object.hasOwnProperty.call(message, "model"))
                        writer.uint32(10).string(message.model);
                    if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                        writer.uint32(18).bytes(message.sha256);
                    return writer;
                };

                Model.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Model();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.model = reader.string();
                                break;
                            }
                        case 2: {
                                message.sha256 = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Model;
            })();

            v1.CheckInReply = (function() {

                function CheckInReply(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                CheckInReply.prototype.assignment = null;
                CheckInReply.prototype.hold = null;
                CheckInReply.prototype.pollIntervalSeconds = 0;
                CheckInReply.prototype.directorEpoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CheckInReply.prototype.explanation = "";
                CheckInReply.prototype.serverTimeMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                let $oneOfFields;

                Object.defineProperty(CheckInReply.prototype, "decision", {
                    get: $util.oneOfGetter($oneOfFields = ["assignment", "hold"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                CheckInReply.create = function create(properties) {
                    return new CheckInReply(properties);
                };

                CheckInReply.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.assignment != null && Object.hasOwnProperty.call(message, "assignment"))
                        writer.uint32(10).bytes(message.assignment);
                    if (message.hold != null && Object.hasOwnProperty.call(message, "hold"))
                        $root.retile.wire.v1.Hold.encode(message.hold, writer.uint32(18).fork(), q + 1).ldelim();
                    if (message.pollIntervalSeconds != null && Object.hasOwnProperty.call(message, "pollIntervalSeconds"))
                        writer.uint32(24).uint32(message.pollIntervalSeconds);
                    if (message.directorEpoch != null && Object.hasOwnProperty.call(message, "directorEpoch"))
                        writer.uint32(32).uint64(message.directorEpoch);
                    if (message.explanation != null && Object.hasOwnProperty.call(message, "explanation"))
                        writer.uint32(42).string(message.explanation);
                    if (message.serverTimeMs != null && Object.hasOwnProperty.call(message, "serverTimeMs"))
                        writer.uint32(48).uint64(message.serverTimeMs);
                    return writer;
                };

                CheckInReply.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.CheckInReply();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.assignment = reader.bytes();
                                break;
                            }
                        case 2: {
                                message.hold = $root.retile.wire.v1.Hold.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 3: {
                                message.pollIntervalSeconds = reader.uint32();
                                break;
                            }
                        case 4: {
                                message.directorEpoch = reader.uint64();
                                break;
                            }
                        case 5: {
                                message.explanation = reader.string();
                                break;
                            }
                        case 6: {
                                message.serverTimeMs = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return CheckInReply;
            })();

            v1.Hold = (function() {

                function Hold(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Hold.prototype.code = "";

                Hold.create = function create(properties) {
                    return new Hold(properties);
                };

                Hold.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.code != null && Object.hasOwnProperty.call(message, "code"))
                        writer.uint32(10).string(message.code);
                    return writer;
                };

                Hold.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Hold();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.code = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Hold;
            })();

            v1.SignedReportBatch = (function() {

                function SignedReportBatch(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                SignedReportBatch.prototype.payload = $util.newBuffer([]);
                SignedReportBatch.prototype.keyId = "";
                SignedReportBatch.prototype.signature = $util.newBuffer([]);

                SignedReportBatch.create = function create(properties) {
                    return new SignedReportBatch(properties);
                };

                SignedReportBatch.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.payload != null && Object.hasOwnProperty.call(message, "payload"))
                        writer.uint32(10).bytes(message.payload);
                    if (message.keyId != null && Object.hasOwnProperty.call(message, "keyId"))
                        writer.uint32(18).string(message.keyId);
                    if (message.signature != null && Object.hasOwnProperty.call(message, "signature"))
                        writer.uint32(26).bytes(message.signature);
                    return writer;
                };

                SignedReportBatch.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.SignedReportBatch();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.payload = reader.bytes();
                                break;
                            }
                        case 2: {
                                message.keyId = reader.string();
                                break;
                            }
                        case 3: {
                                message.signature = reader.bytes();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return SignedReportBatch;
            })();

            v1.ReportBatch = (function() {

                function ReportBatch(properties) {
                    this.reports = [];
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                ReportBatch.prototype.tenant = "";
                ReportBatch.prototype.device = "";
                ReportBatch.prototype.epoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ReportBatch.prototype.firstSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ReportBatch.prototype.reports = $util.emptyArray;

                ReportBatch.create = function create(properties) {
                    return new ReportBatch(properties);
                };

                ReportBatch.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.tenant != null && Object.hasOwnProperty.call(message, "tenant"))
                        writer.uint32(10).string(message.tenant);
                    if (message.device != null && Object.hasOwnProperty.call(message, "device"))
                        writer.uint32(18).string(message.device);
                    if (message.epoch != null && Object.hasOwnProperty.call(message, "epoch"))
                        writer.uint32(24).uint64(message.epoch);
                    if (message.firstSequence != null && Object.hasOwnProperty.call(message, "firstSequence"))
                        writer.uint32(32).uint64(message.firstSequence);
                    if (message.reports != null && message.reports.length)
                        for (let i = 0; i < message.reports.length; ++i)
                            $root.retile.wire.v1.Report.encode(message.reports[i], writer.uint32(42).fork(), q + 1).ldelim();
                    return writer;
                };

                ReportBatch.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.ReportBatch();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.tenant = reader.string();
                                break;
                            }
                        case 2: {
                                message.device = reader.string();
                                break;
                            }
                        case 3: {
                                message.epoch = reader.uint64();
                                break;
                            }
                        case 4: {
                                message.firstSequence = reader.uint64();
                                break;
                            }
                        case 5: {
                                if (!(message.reports && message.reports.length))
                                    message.reports = [];
                                message.reports.push($root.retile.wire.v1.Report.decode(reader, reader.uint32(), undefined, long + 1));
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return ReportBatch;
            })();

            v1.Report = (function() {

                function Report(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Report.prototype.deviceTimeMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Report.prototype.rollout = "";
                Report.prototype.soc = "";
                Report.prototype.from = null;
                Report.prototype.to = null;
                Report.prototype.modelOutcome = null;
                Report.prototype.lifecycle = null;

                let $oneOfFields;

                Object.defineProperty(Report.prototype, "body", {
                    get: $util.oneOfGetter($oneOfFields = ["modelOutcome", "lifecycle"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                Report.create = function create(properties) {
                    return new Report(properties);
                };

                Report.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.deviceTimeMs != null && Object.hasOwnProperty.call(message, "deviceTimeMs"))
                        writer.uint32(8).uint64(message.deviceTimeMs);
                    if (message.rollout != null && Object.hasOwnProperty.call(message, "rollout"))
                        writer.uint32(18).string(message.rollout);
                    if (message.soc != null && Object.hasOwnProperty.call(message, "soc"))
                        writer.uint32(26).string(message.soc);
                    if (message.from != null && Object.hasOwnProperty.call(message, "from"))
                        $root.retile.wire.v1.Driver.encode(message.from, writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.to != null && Object.hasOwnProperty.call(message, "to"))
                        $root.retile.wire.v1.Driver.encode(message.to, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.modelOutcome != null && Object.hasOwnProperty.call(message, "modelOutcome"))
                        $root.retile.wire.v1.ModelOutcome.encode(message.modelOutcome, writer.uint32(50).fork(), q + 1).ldelim();
                    if (message.lifecycle != null && Object.hasOwnProperty.call(message, "lifecycle"))
                        $root.retile.wire.v1.Lifecycle.encode(message.lifecycle, writer.uint32(58).fork(), q + 1).ldelim();
                    return writer;
                };

                Report.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Report();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.deviceTimeMs = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.rollout = reader.string();
                                break;
                            }
                        case 3: {
                                message.soc = reader.string();
                                break;
                            }
                        case 4: {
                                message.from = $root.retile.wire.v1.Driver.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 5: {
                                message.to = $root.retile.wire.v1.Driver.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.modelOutcome = $root.retile.wire.v1.ModelOutcome.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 7: {
                                message.lifecycle = $root.retile.wire.v1.Lifecycle.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Report;
            })();

            v1.ModelOutcome = (function() {

                function ModelOutcome(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                ModelOutcome.prototype.model = "";
                ModelOutcome.prototype.modelSha256 = $util.newBuffer([]);
                ModelOutcome.prototype.temperatureCelsius = 0;
                ModelOutcome.prototype.kept = null;
                ModelOutcome.prototype.refusedSlower = null;
                ModelOutcome.prototype.refusedWrong = null;
                ModelOutcome.prototype.failed = null;

                let $oneOfFields;

                Object.defineProperty(ModelOutcome.prototype, "verdict", {
                    get: $util.oneOfGetter($oneOfFields = ["kept", "refusedSlower", "refusedWrong", "failed"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                ModelOutcome.create = function create(properties) {
                    return new ModelOutcome(properties);
                };

                ModelOutcome.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.model != null && Object.hasOwnProperty.call(message, "model"))
                        writer.uint32(10).string(message.model);
                    if (message.modelSha256 != null && Object.hasOwnProperty.call(message, "modelSha256"))
                        writer.uint32(18).bytes(message.modelSha256);
                    if (message.temperatureCelsius != null && Object.hasOwnProperty.call(message, "temperatureCelsius"))
                        writer.uint32(25).double(message.temperatureCelsius);
                    if (message.kept != null && Object.hasOwnProperty.call(message, "kept"))
                        $root.retile.wire.v1.Measured.encode(message.kept, writer.uint32(34).fork(), q + 1).ldelim();
                    if (message.refusedSlower != null && Object.hasOwnProperty.call(message, "refusedSlower"))
                        $root.retile.wire.v1.Measured.encode(message.refusedSlower, writer.uint32(42).fork(), q + 1).ldelim();
                    if (message.refusedWrong != null && Object.hasOwnProperty.call(message, "refusedWrong"))
                        $root.retile.wire.v1.Measured.encode(message.refusedWrong, writer.uint32(50).fork(), q + 1).ldelim();
                    if (message.failed != null && Object.hasOwnProperty.call(message, "failed"))
                        $root.retile.wire.v1.Failed.encode(message.failed, writer.uint32(58).fork(), q + 1).ldelim();
                    return writer;
                };

                ModelOutcome.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.ModelOutcome();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.model = reader.string();
                                break;
                            }
                        case 2: {
                                message.modelSha256 = reader.bytes();
                                break;
                            }
                        case 3: {
                                message.temperatureCelsius = reader.double();
                                break;
                            }
                        case 4: {
                                message.kept = $root.retile.wire.v1.Measured.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 5: {
                                message.refusedSlower = $root.retile.wire.v1.Measured.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 6: {
                                message.refusedWrong = $root.retile.wire.v1.Measured.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        case 7: {
                                message.failed = $root.retile.wire.v1.Failed.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return ModelOutcome;
            })();

            v1.Measured = (function() {

                function Measured(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Measured.prototype.beforeCycles = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Measured.prototype.afterCycles = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Measured.prototype.beforeMicroseconds = 0;
                Measured.prototype.afterMicroseconds = 0;
                Measured.prototype.outputSnrDb = 0;

                Measured.create = function create(properties) {
                    return new Measured(properties);
                };

                Measured.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.beforeCycles != null && Object.hasOwnProperty.call(message, "beforeCycles"))
                        writer.uint32(8).uint64(message.beforeCycles);
                    if (message.afterCycles != null && Object.hasOwnProperty.call(message, "afterCycles"))
                        writer.uint32(16).uint64(message.afterCycles);
                    if (message.beforeMicroseconds != null && Object.hasOwnProperty.call(message, "beforeMicroseconds"))
                        writer.uint32(25).double(message.beforeMicroseconds);
                    if (message.afterMicroseconds != null && Object.hasOwnProperty.call(message, "afterMicroseconds"))
                        writer.uint32(33).double(message.afterMicroseconds);
                    if (message.outputSnrDb != null && Object.hasOwnProperty.call(message, "outputSnrDb"))
                        writer.uint32(41).double(message.outputSnrDb);
                    return writer;
                };

                Measured.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Measured();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.beforeCycles = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.afterCycles = reader.uint64();
                                break;
                            }
                        case 3: {
                                message.beforeMicroseconds = reader.double();
                                break;
                            }
                        case 4: {
                                message.afterMicroseconds = reader.double();
                                break;
                            }
                        case 5: {
                                message.outputSnrDb = reader.double();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Measured;
            })();

            v1.Failed = (function() {

                function Failed(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Failed.prototype.code = "";
                Failed.prototype.message = "";

                Failed.create = function create(properties) {
                    return new Failed(properties);
                };

                Failed.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.code != null && Object.hasOwnProperty.call(message, "code"))
                        writer.uint32(10).string(message.code);
                    if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                        writer.uint32(18).string(message.message);
                    return writer;
                };

                Failed.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Failed();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.code = reader.string();
                                break;
                            }
                        case 2: {
                                message.message = reader.string();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Failed;
            })();

            v1.Lifecycle = (function() {

                function Lifecycle(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                Lifecycle.prototype.stage = 0;
                Lifecycle.prototype.failed = null;

                Lifecycle.create = function create(properties) {
                    return new Lifecycle(properties);
                };

                Lifecycle.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.stage != null && Object.hasOwnProperty.call(message, "stage"))
                        writer.uint32(8).int32(message.stage);
                    if (message.failed != null && Object.hasOwnProperty.call(message, "failed"))
                        $root.retile.wire.v1.Failed.encode(message.failed, writer.uint32(18).fork(), q + 1).ldelim();
                    return writer;
                };

                Lifecycle.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.Lifecycle();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.stage = reader.int32();
                                break;
                            }
                        case 2: {
                                message.failed = $root.retile.wire.v1.Failed.decode(reader, reader.uint32(), undefined, long + 1);
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return Lifecycle;
            })();

            v1.Stage = (function() {
                const valuesById = {}, values = Object.create(valuesById);
                values[valuesById[0] = "STAGE_UNSPECIFIED"] = 0;
                values[valuesById[1] = "STAGE_ACCEPTED"] = 1;
                values[valuesById[2] = "STAGE_INSTALLED"] = 2;
                values[valuesById[3] = "STAGE_COMPILED"] = 3;
                values[valuesById[4] = "STAGE_MEASURED"] = 4;
                values[valuesById[5] = "STAGE_COMMITTED"] = 5;
                values[valuesById[6] = "STAGE_INSTALL_FAILED"] = 6;
                values[valuesById[7] = "STAGE_ROLLED_BACK"] = 7;
                return values;
            })();

            v1.ReportAck = (function() {

                function ReportAck(properties) {
                    if (properties)
                        for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                }

                ReportAck.prototype.epoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ReportAck.prototype.acknowledgedSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                ReportAck.create = function create(properties) {
                    return new ReportAck(properties);
                };

                ReportAck.encode = function encode(message, writer, q) {
                    if (!writer)
                        writer = $Writer.create();
                    if (q === undefined)
                        q = 0;
                    if (q > $util.recursionLimit)
                        throw Error("max depth exceeded");
                    if (message.epoch != null && Object.hasOwnProperty.call(message, "epoch"))
                        writer.uint32(8).uint64(message.epoch);
                    if (message.acknowledgedSequence != null && Object.hasOwnProperty.call(message, "acknowledgedSequence"))
                        writer.uint32(16).uint64(message.acknowledgedSequence);
                    return writer;
                };

                ReportAck.decode = function decode(reader, length, error, long) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (long === undefined)
                        long = 0;
                    if (long > $Reader.recursionLimit)
                        throw Error("maximum nesting depth exceeded");
                    let end, message;
                    if (length === undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = new $root.retile.wire.v1.ReportAck();
                    while (reader.pos < end) {
                        let tag = reader.uint32();
                        if (tag === error)
                            break;
                        switch (tag >>> 3) {
                        case 1: {
                                message.epoch = reader.uint64();
                                break;
                            }
                        case 2: {
                                message.acknowledgedSequence = reader.uint64();
                                break;
                            }
                        default:
                            reader.skipType(tag & 7, long);
                            break;
                        }
                    }
                    if (length !== undefined) {
                        if (reader.pos !== end)
                            throw RangeError("index out of range");
                        reader.len = length;
                    }
                    return message;
                };

                return ReportAck;
            })();

            return v1;
        })();

        return wire;
    })();

    return retile;
})();

export { $root as default };
