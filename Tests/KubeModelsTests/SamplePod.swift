// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A pod with more than there are fields for.
enum SamplePod {
    static let json = #"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"team","uid":"6c3f","resourceVersion":"12",
        "creationTimestamp":"2026-11-21T17:57:05Z","labels":{"app":"web"},"selfLink":"/x","clusterName":"",
        "ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u","controller":true,"future":[1,2]}],
        "managedFields":[{"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2026-11-21T17:57:05Z",
        "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{".":{}, "k:{\"a\":1}":1e0}}}]},
        "spec":{"nodeName":"n","containers":[{"name":"b","image":"i","weird":1e3,"resources":{"limits":{"cpu":"0.5","memory":"1024Mi"}},
        "lifecycle":{"preStop":{"exec":{"command":["sh"]}}},"livenessProbe":{"httpGet":{"port":"http","path":"/"},"periodSeconds":5}},
        {"name":"a","securityContext":{"runAsUser":0,"seLinuxOptions":{"level":"s0"}}}],
        "affinity":{"nodeAffinity":{"x":12345678901234567890}},"volumes":[{"name":"v","csi":{"driver":"d"}}],"enableServiceLinks":true},
        "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"conditions":[{"type":"Ready","status":"True","lastProbeTime":null,
        "lastTransitionTime":"2026-11-21T17:57:05Z"}],"containerStatuses":[{"name":"b","ready":true,"restartCount":1,"image":"i","imageID":"",
        "state":{"running":{"startedAt":"2026-11-21T17:57:05Z"}},"lastState":{},"allocatedResources":{"cpu":1}}]},
        "future":[null,{"k":"\u00e9"}]}
        """#
}
