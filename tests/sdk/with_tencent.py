"""The official SDK of Tencent Cloud: every action, every error code, and what it made at the gate.

Takes one argument, a JSON object: where the sidecar, its database and Envoy are, and the operator's
token. An equal call within one second has an equal signature, which counts as a replay: `call`
waits for the next second before it sends one.
"""

import json
import re
import sqlite3
import sys
import threading
import time
from unittest import mock

import requests
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tokenhub.v20260322 import models, tokenhub_client

given = json.loads(sys.argv[1])
MAAS = {"Platform": "maas"}
VALUE = "InvalidParameterValue.InvalidParameterValue"
PARAMETER = "InvalidParameter.InvalidParameter"
MISSING = "MissingParameter.MissingParameter"
NOT_FOUND = "ResourceNotFound.ResourceNotFound"
DENIED = "OperationDenied.OperationDenied"
# What each answer of the demo upstream states.
TOKENS_OF_ONE = 5
sent, calls = set(), {}


# --- the two ways in ---------------------------------------------------------------------------


def rest(method, path, body=None):
    """A call of the REST API by the operator."""
    headers = {"Authorization": f"Bearer {given['token']}"}
    answer = requests.request(method, given["admin"] + path, json=body, headers=headers)
    assert answer.ok, (method, path, answer.status_code, answer.text)
    return answer.json() if answer.text else None


def access_key(name, **members):
    """An access key of the account."""
    made = rest("POST", "/v1/access-keys", {"account": "demo", "name": name, **members})
    return made["secret_id"], made["secret_key"]


def client(key, region=given["region"]):
    """A client that signs with an access key; only endpoint and protocol are ours."""
    endpoint = given["admin"].removeprefix("http://")
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint))
    return tokenhub_client.TokenhubClient(credential.Credential(*key), region, profile)


def fresh(action, what, by):
    """Waits while an equal call would be of the same second, or one too many for its action."""
    call, recent = (action, what, id(by)), calls.setdefault((action, id(by)), [])
    while (int(time.time()), call) in sent or len(recent) >= 20 and time.time() - recent[-20] < 1.1:
        time.sleep(0.01)
    sent.add((int(time.time()), call))
    recent.append(time.time())


def call(action, params=None, by=None):
    """One call with the SDK's own request and answer."""
    request = getattr(models, action + "Request")()
    request.from_json_string(json.dumps(params or {}))
    fresh(action, request.to_json_string(), by)
    answer = getattr(by or owner, action)(request)
    assert re.fullmatch(r"[0-9A-Za-z_.-]{1,64}", answer.RequestId), answer
    return answer


def refused(code, act, *args, **named):
    """The call raises the SDK's exception with this code, and with the request's id."""
    try:
        answer = act(*args, **named)
    except TencentCloudSDKException as error:
        assert error.get_code() == code, (code, error)
        assert error.get_request_id() and len(error.get_message()) > 10, error
        return error.get_message()
    raise AssertionError(f"{code} was not raised: {answer}")


def raw(action, params, by=None):
    """A call with parameters or an action that the SDK's models do not have."""
    fresh(action, json.dumps(params), by)
    return (by or owner).call_json(action, params)["Response"]


def status(value):
    """What the gate says to a key."""
    body = {"model": "glm-5.1", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"Authorization": f"Bearer {value}"}
    return requests.post(f"{given['envoy']}/v1/chat/completions", json=body, headers=headers).status_code


# --- ordinary keys -----------------------------------------------------------------------------


def create(name, **params):
    params = {"ApiKeyName": name, "BindType": "all", **MAAS, **params}
    return call("CreateApiKey", params).ApiKeyId


def describe(key, by=None):
    return call("DescribeApiKey", {"ApiKeyId": key, **MAAS}, by)


def binding(name, kind):
    return {"ResourceId": name, "ResourceType": kind}


def ordinary_keys():
    bindings = [binding("glm-5.1", "model"), binding("ep-12345678", "endpoint")]
    listed = ["10.0.0.0/8", "192.0.2.7"]
    key = create(
        "SDK key", BindType="model_custom_endpoint_custom", Bindings=bindings, Remark="by the SDK",
        Status="disable", IpWhitelist=listed,
    )
    assert re.fullmatch(r"ak-\d{8}-[0-9a-f]+", key), key
    shown = describe(key)
    assert re.fullmatch(r"sk-[0-9A-Za-z]{46}", shown.ApiKey), "the value in plain text"
    assert (shown.ApiKeyId, shown.Name, shown.Remark) == (key, "SDK key", "by the SDK")
    assert (shown.Status, shown.BindType) == ("disable", "model_custom_endpoint_custom")
    items = [(item.ResourceId, item.ResourceType, item.Status) for item in shown.BindingItems]
    assert items == [("glm-5.1", "model", "online"), ("ep-12345678", "endpoint", "online")], items
    assert shown.IpWhitelist == listed and shown.Editable is True and shown.Creator == ""
    assert (shown.Platform, shown.Uin, shown.AppId, shown.QuotaStatus) == ("maas", "demo", "demo", "")
    assert shown.SubUin == f"access_key:{given['owner'][0]}" and shown.QuotaSet is None
    for moment in [shown.CreateTime, shown.UpdateTime]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment), moment
    by_value = call("DescribeApiKey", {"ApiKey": shown.ApiKey, **MAAS})
    assert (by_value.ApiKeyId, by_value.ApiKey) == (key, shown.ApiKey)
    both = call("DescribeApiKey", {"ApiKeyId": key, "ApiKey": "sk-other", **MAAS})
    assert both.ApiKeyId == key, "the id wins"

    modify = lambda **params: call("ModifyApiKeyInfo", {"ApiKeyId": key, **MAAS, **params})
    modify(QuotasDesired=[
        {"CycleUnit": "m", "CycleCredits": "10000000000000", "MonthStartDay": 31},
        {"CycleUnit": "lifetime", "CycleCredits": "5"},
    ])
    shown = describe(key)
    quotas = [(q.CycleUnit, q.CycleCredits, q.CycleUsed, q.Status) for q in shown.QuotaSet]
    assert quotas == [("m", "10000000000000", "0", 1), ("lifetime", "5", "0", 1)], quotas
    assert shown.QuotaStatus == "active" and shown.QuotaSet[0].ExpireTime and not shown.QuotaSet[1].ExpireTime
    modify(QuotasDesired=[])
    assert describe(key).QuotaSet is None and describe(key).QuotaStatus == ""
    quoted = create("with a quota", Quotas=[{"CycleUnit": "d", "CycleCredits": "7"}])
    assert describe(quoted).QuotaSet[0].CycleCredits == "7"
    call("DeleteApiKey", {"ApiKeyId": quoted, **MAAS})
    modify(Remark="changed", ApiKeyName="SDK key")
    shown = describe(key)
    assert (shown.Remark, shown.IpWhitelist) == ("changed", listed), "what is omitted stays"
    modify(IpWhitelist=[])
    shown = describe(key)
    assert (shown.Remark, shown.IpWhitelist) == ("changed", []), "an empty list clears"
    modify(Remark="")
    assert describe(key).Remark == ""
    refused(PARAMETER, modify, ApiKeyName="another name")
    assert describe(key).Name == "SDK key"

    switch = lambda word: call("ModifyApiKeyStatus", {"ApiKeyId": key, "Status": word, **MAAS})
    switch("enable")
    assert describe(key).Status == "enable"
    call("DeleteApiKey", {"ApiKeyId": key, **MAAS})
    for action, params in [
        ("DescribeApiKey", {}), ("ModifyApiKeyInfo", {"Remark": "x"}),
        ("ModifyApiKeyStatus", {"Status": "enable"}), ("DeleteApiKey", {}),
    ]:
        refused(NOT_FOUND, call, action, {"ApiKeyId": key, **MAAS, **params})
    refused(NOT_FOUND, call, "DescribeApiKey", {"ApiKey": by_value.ApiKey, **MAAS})
    trail = [row["action"] for row in rest("GET", f"/v1/audit?target={key}")["entries"]]
    assert trail[0] == "key.deleted" and trail[-1] == "key.created" and "key.revealed" in trail, trail
    print("ordinary keys: ok")


def filters(*wanted):
    return [{"Name": name, "Op": op, "Values": values} for name, op, values in wanted]


def names(*wanted, action="DescribeApiKeyList", more=MAAS, **params):
    if wanted:
        params["Filters"] = filters(*wanted)
    answer = call(action, {**more, "Limit": 100, **params})
    assert answer.TotalCount == len(answer.ApiKeySet) or "Offset" in params or params.get("Limit")
    return [key.Name for key in answer.ApiKeySet]


def lists():
    shapes = {
        "shape-all": ({"models": "all", "services": "all"}, "all"),
        "shape-endpoints": ({"models": "all", "services": ["ep-12345678"]}, "model_all_endpoint_custom"),
        "shape-models": ({"models": ["glm-5.1"], "services": "all"}, "model_custom_endpoint_all"),
        "shape-both": ({"models": ["glm-*"], "services": []}, "model_custom_endpoint_custom"),
    }
    home = {"account": "demo", "region": given["region"]}
    made = {}
    for name, (scope, _) in shapes.items():
        made[name] = rest("POST", "/v1/keys", {**home, "name": name, "scope": scope})
    rest("PATCH", f"/v1/keys/{made['shape-both']['id']}", {"status": "disabled"})
    whole = call("DescribeApiKeyList", {**MAAS, "Limit": 100})
    for key in whole.ApiKeySet:
        if key.Name in shapes:
            assert key.BindType == shapes[key.Name][1], (key.Name, key.BindType)
            assert key.ApiKey == made[key.Name]["masked"], key.ApiKey
        assert re.fullmatch(r"sk-[0-9A-Za-z]{2}\*\*\*[0-9A-Za-z]{4}", key.ApiKey), key.ApiKey
    for name, (_, word) in shapes.items():
        assert describe(made[name]["id"]).BindType == word

    everything = names()
    assert sorted(everything) == sorted(shapes), everything
    order = lambda word: names(Sorts=[{"Name": "apiKeyName", "Order": word}])
    assert order("ASC") == sorted(shapes) and order("DESC") == sorted(shapes, reverse=True)
    page = lambda offset, limit: names(
        Sorts=[{"Name": "apiKeyName", "Order": "ASC"}], Offset=offset, Limit=limit)
    assert page(0, 3) + page(3, 3) == sorted(shapes) and page(4, 3) == []
    assert call("DescribeApiKeyList", {**MAAS, "Offset": 3, "Limit": 1}).TotalCount == 4
    some = lambda *wanted: sorted(names(*wanted))
    assert some(("apiKeyName", "EXACT", ["shape-all", "shape-both", "shape"])) == ["shape-all", "shape-both"]
    assert some(("apiKeyName", "FUZZY", ["MODEL", "BOTH"])) == ["shape-both", "shape-models"]
    assert some(("apiKeyName", "NOT", ["shape-all", "shape-both"])) == ["shape-endpoints", "shape-models"]
    one = made["shape-all"]["id"]
    assert some(("apikeyId", "EXACT", [one])) == ["shape-all"]
    assert len(some(("apikeyId", "NOT", [one]))) == 3 and len(some(("apikeyId", "FUZZY", ["ak-"]))) == 4
    assert some(("status", "EXACT", ["disable"])) == ["shape-both"] and len(some(("status", "FUZZY", ["ABLE"]))) == 4
    assert some(("bindType", "EXACT", ["all"])) == ["shape-all"]
    assert some(("bindType", "FUZZY", ["endpoint_all"])) == ["shape-models"]
    assert some(("bindType", "NOT", ["all", "model_custom_endpoint_all"])) == ["shape-both", "shape-endpoints"]
    assert some(("platform", "EXACT", ["maas"])) == sorted(shapes) and some(("platform", "NOT", ["maas"])) == []
    both = (("status", "EXACT", ["enable"]), ("apiKeyName", "FUZZY", ["shape-b", "shape-m"]))
    assert some(*both) == ["shape-models"], "filters are joined by and"
    for name in shapes:
        call("DeleteApiKey", {"ApiKeyId": made[name]["id"], **MAAS})
    print("lists: ok")


def typed(kind, params):
    request = kind()
    request.from_json_string(json.dumps(params))
    return request


# --- plan keys ---------------------------------------------------------------------------------


def plan_keys():
    team = {"TeamId": "team-blue"}
    make = lambda name, **params: call(
        "CreateTokenPlanApiKeys", {**team, "ApiKeyName": name, "Count": 1, **params})
    made = make("plan", Count=3, AllowedModels=["glm-5.1", "ep-12345678"])
    ids = [item.ApiKeyId for item in made.Items]
    assert len(set(ids)) == 3 and made.FailedItems == [], made
    assert all(re.fullmatch(r"ak-tp-\d{8}-[0-9a-f]+", key) for key in ids), ids
    whole, nothing = make("whole", AllowedModels=["all"]), make("nothing")
    whole, nothing = whole.Items[0].ApiKeyId, nothing.Items[0].ApiKeyId
    show = lambda key: call("DescribeTokenPlanApiKey", {"ApiKeyId": key}).ApiKey
    allowed = lambda key: json.loads(show(key).AllowedModels)
    assert allowed(ids[0]) == ["glm-5.1", "ep-12345678"] and allowed(whole) == ["all"] and allowed(nothing) == []
    first = show(ids[0])
    assert (first.Name, first.TeamId, first.KeyVersion, first.LastRotatedAt) == ("plan-1", "team-blue", 1, "")
    assert (first.Status, first.UseStatus, first.StopReason) == ("enable", "enable", "NORMAL")
    assert re.fullmatch(r"sk-tp\*\*\*[0-9A-Za-z]{4}", first.ApiKey), first.ApiKey

    secret = lambda: call("DescribeTokenPlanApiKeySecret", {"ApiKeyId": ids[0]}).ApiKey
    old = secret()
    assert re.fullmatch(r"sk-tp-[0-9A-Za-z]{46}", old) and status(old) == 200
    reset = call("ModifyTokenPlanApiKeySecret", {"ApiKeyId": ids[0]})
    assert status(old) == 401, "the old value is dead at once"
    assert (reset.ApiKeyId, reset.KeyVersion) == (ids[0], 2)
    new = secret()
    assert new != old and status(new) == 200 and show(ids[0]).LastRotatedAt != ""

    modify = lambda **params: call("ModifyTokenPlanApiKey", {"ApiKeyId": ids[0], **params})
    modify(AllowedModels=["kimi-k2.6"])
    assert status(new) == 403 and allowed(ids[0]) == ["kimi-k2.6"]
    modify(AllowedModels=["all"], UseStatus="disable")
    assert status(new) == 401 and show(ids[0]).UseStatus == "disable"
    modify(UseStatus="enable")
    assert status(new) == 200

    listed = lambda *wanted, **params: names(
        *wanted, action="DescribeTokenPlanApiKeyList", more=team, **params)
    assert listed() == ["nothing", "whole", "plan-3", "plan-2", "plan-1"], "the newest first"
    by = lambda field, word: listed(Sorts=[{"Name": field, "Order": word}])
    assert by("CreatedAt", "ASC")[0] == "plan-1" and by("UpdatedAt", "DESC")[0] == "plan-1"
    assert listed(Offset=1, Limit=2) == ["whole", "plan-3"]
    assert listed(("Name", "FUZZY", ["PLAN"]), ("Name", "NOT", ["plan-2"])) == ["plan-3", "plan-1"]
    assert listed(("ApiKeyId", "EXACT", [whole])) == ["whole"]
    modify(UseStatus="disable")
    assert listed(("UseStatus", "EXACT", ["disable"])) == ["plan-1"]
    assert listed(("Status", "NOT", ["enable"])) == ["plan-1"]
    assert len(listed(("StopReason", "EXACT", ["NORMAL"]))) == 5
    assert listed(("StopReason", "NOT", ["NORMAL"])) == []
    other = call("DescribeTokenPlanApiKeyList", {"TeamId": "team-red"})
    assert other.TotalCount == 0 and other.ApiKeySet == []
    assert call("DescribeApiKeyList", MAAS).TotalCount == 0, "plan keys are in no ordinary list"
    refused(NOT_FOUND, describe, ids[0])
    refused(NOT_FOUND, call, "ModifyTokenPlanApiKeySecret", {"ApiKeyId": "ak-20260101-00"})
    refused(VALUE, make, "n" * 127, Count=2)
    refused(VALUE, make, "mixed", AllowedModels=["all", "glm-5.1"])
    for key in [*ids, whole, nothing]:
        call("DeleteTokenPlanApiKey", {"ApiKeyId": key})
    assert status(new) == 401
    refused(NOT_FOUND, call, "DeleteTokenPlanApiKey", {"ApiKeyId": ids[0]})
    print("plan keys: ok")


# --- the catalog -------------------------------------------------------------------------------


def catalog():
    shown = call("DescribeModelList", {})
    assert [model.ModelId for model in shown.ModelSet] == ["deepseek-v3.2", "glm-5.1", "kimi-k2.6"]
    glm = shown.ModelSet[1]
    assert (glm.ModelName, glm.DisplayName, glm.ExtraModelIds) == ("glm-5.1", "GLM 5.1", ["glm-latest"])
    assert glm.Status == "online" and shown.TotalCount == 3
    page = call("DescribeModelList", {"Offset": 1, "Limit": 1})
    assert [model.ModelId for model in page.ModelSet] == ["glm-5.1"] and page.TotalCount == 3
    both = call("DescribeModelList", {"ModelIds": ["glm-5.1", "x"], "ModelNames": ["glm-5.1", "kimi-k2.6"]})
    assert [model.ModelId for model in both.ModelSet] == ["glm-5.1"]
    refused(VALUE, call, "DescribeModelList", {"ModelIds": ["a", "a"]})
    refused(VALUE, call, "DescribeModelList", {"ModelIds": [str(n) for n in range(11)]})
    refused(PARAMETER, call, "DescribeModelList", {"ModelTypes": ["Text"]})
    refused(PARAMETER, call, "DescribeModelList", {"Tags": ["new"]})

    def ids(*wanted, **params):
        if wanted:
            params["Filters"] = filters(*wanted)
        return [view.EndpointId for view in call("DescribeModelEndpointList", params).ModelEndpointSet]

    assert ids() == ["deepseek-v3.2", "ep-12345678", "glm-5.1", "kimi-k2.6"]
    assert ids(("RequestSource", "EXACT", ["MC"])) == ["ep-12345678"]
    assert ids(("ModelId", "FUZZY", ["KIMI"])) == ["kimi-k2.6"]
    assert ids(("ModelName", "NOT", ["glm-5.1", "kimi-k2.6"])) == ["deepseek-v3.2", "ep-12345678"]
    assert ids(("Status", "EXACT", ["INACTIVE"])) == [] and ids(Offset=3) == ["kimi-k2.6"]
    newest = ids(Sorts=[{"Name": "CreatedTime", "Order": "DESC"}])
    assert newest[0] == "ep-12345678", newest
    refused(VALUE, ids, ("ChargeType", "EXACT", ["FREE"]))
    for name in ["ep-12345678", "glm-5.1"]:
        endpoint = call("DescribeEndpoint", {"EndpointId": name}).Endpoint
        assert (endpoint.EndpointId, endpoint.Status) == (name, "ACTIVE")
    refused("ResourceNotFound.EndpointNotFound", call, "DescribeEndpoint", {"EndpointId": "ep-none"})
    print("catalog: ok")


# --- the gate, and usage -----------------------------------------------------------------------


def gate_and_usage():
    glm = [binding("glm-5.1", "model")]
    key = create("at the gate", BindType="model_custom_endpoint_custom", Bindings=glm)
    value = describe(key).ApiKey
    assert [status(value) for _ in range(3)] == [200] * 3
    switch = lambda word: call("ModifyApiKeyStatus", {"ApiKeyId": key, "Status": word, **MAAS})
    switch("disable")
    assert status(value) == 401, "refused right after ModifyApiKeyStatus has returned"
    switch("enable")
    assert status(value) == 200
    call("DeleteApiKey", {"ApiKeyId": key, **MAAS})
    assert status(value) == 401, "refused right after DeleteApiKey has returned"

    day = lambda shift: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + shift))
    span = {"StartTime": day(-3600), "EndTime": day(3600)}

    def rank(dimension, **params):
        return call("DescribeUsageRankList", {"Dimension": dimension, **span, **params})

    def counted():
        wanted = (5, 4 * TOKENS_OF_ONE)
        figures = lambda item: (item.Stats.RequestCount, item.Stats.TotalToken)
        found = [item for item in rank("apikey", Target=key).TopList if figures(item) == wanted]
        return found[0] if found else None

    until = time.time() + 30
    while not (item := counted()):
        assert time.time() < until, "the usage never came"
    assert (item.Key, item.Name, item.Stats.RequestFailCount) == (key, "at the gate", 1)
    assert (item.Stats.InputTotalToken, item.Stats.OutputTotalToken) == (4, 16), item.Stats
    sums = [sum(json.loads(series)) for series in (item.Series.RequestCount, item.Series.TotalToken)]
    assert sums == [5, 4 * TOKENS_OF_ONE] and item.Stats.CacheTotalToken == 0, sums
    assert rank("model", SortKey="TotalToken").TopList[0].Stats.TotalToken >= 4 * TOKENS_OF_ONE
    whole = rank("model", MetricType="apikey_usage", Anchor=key, Period=300)
    shares = [(item.Rank, item.Key, item.Stats.RequestCount) for item in whole.TopList]
    assert shares == [(1, "glm-5.1", 4), (2, "(unknown)", 1)], shares
    assert len(json.loads(whole.TopList[0].Series.RequestFailCount)) == len(whole.Timestamps)
    assert all(moment % 300 == 0 for moment in whole.Timestamps) and whole.Limit == 10
    listing = rank("endpoint", ShowAll=True, SortKey="RequestFailCount")
    assert listing.Total == len(listing.TopList) and listing.TopList[0].Series is None
    assert (listing.Period, listing.Timestamps) == (0, [])
    assert listing.TotalStats.RequestCount >= 5 and rank("apikey", Offset=1000).TopList == []
    refused(PARAMETER, rank, "model", MetricType="search")
    refused(PARAMETER, rank, "model", SortKey="Latency")
    refused(MISSING, rank, "model", MetricType="apikey_usage")
    long = {"StartTime": day(-3 * 86400), "EndTime": day(0)}
    refused("InvalidParameter.PeriodTooFineForData", rank, "model", **long, Period=60)
    refused(VALUE, rank, "model", **{**long, "StartTime": day(-91 * 86400)})
    print("gate and usage: ok")


# --- refusals ----------------------------------------------------------------------------------


def refusals():
    base = {"ApiKeyName": "refused", "BindType": "all", **MAAS}
    for name in ["ApiKeyName", "BindType", "Platform"]:
        params = {key: value for key, value in base.items() if key != name}
        assert name in refused(MISSING, call, "CreateApiKey", params)
    refused(MISSING, call, "DescribeApiKey", MAAS)
    refused(MISSING, call, "CreateApiKey", {**base, "BindType": "model_custom_endpoint_custom"})
    refused(MISSING, call, "CreateTokenPlanApiKeys", {"ApiKeyName": "a", "Count": 1})
    glm = [binding("glm-5.1", "model")]
    wrong = [
        {"Platform": "other"}, {"BindType": "some"}, {"Status": "on"}, {"ApiKeyName": ""},
        {"ApiKeyName": "n" * 129}, {"Remark": "r" * 1025}, {"IpWhitelist": ["10.0.0.1/8"]},
        {"IpWhitelist": ["10.0.0.1", "10.0.0.1"]}, {"IpWhitelist": [f"10.0.0.{n}" for n in range(51)]},
    ]
    custom = {"BindType": "model_custom_endpoint_custom"}
    wrong += [{**custom, "Bindings": glm * 2}, {**custom, "Bindings": [binding("glm-5.1", "other")]}]
    for params in wrong:
        refused(VALUE, call, "CreateApiKey", {**base, **params})
    near = {**custom, "Bindings": [binding("glm-5.2", "model")]}
    assert "did you mean glm-5.1" in refused(VALUE, call, "CreateApiKey", {**base, **near})
    refused(VALUE, call, "DescribeApiKeyList", {**MAAS, "Limit": 101})
    refused(VALUE, call, "DescribeApiKeyList", {**MAAS, "Filters": filters(("name", "EXACT", ["a"]))})
    many = filters(("apiKeyName", "EXACT", [str(n) for n in range(11)]))
    refused(VALUE, call, "DescribeApiKeyList", {**MAAS, "Filters": many})
    refused(VALUE, call, "DescribeApiKeyList", {**MAAS, "Sorts": [{"Name": "CreateTime", "Order": "ASC"}]})
    refused(VALUE, call, "ModifyApiKeyStatus", {"ApiKeyId": "ak-1", "Status": "off", **MAAS})
    refused(VALUE, call, "CreateTokenPlanApiKeys", {"TeamId": "t", "ApiKeyName": "a", "Count": 11})

    quota = {"CycleUnit": "d", "CycleCredits": "1000"}
    refused(VALUE, call, "CreateApiKey", {**base, "Quotas": [{**quota, "CycleUnit": "w"}]})
    refused(VALUE, call, "CreateApiKey", {**base, "Quotas": [quota, quota]})
    refused(PARAMETER, call, "CreateApiKey", {**base, "Bindings": glm})
    refused(PARAMETER, raw, "ModifyApiKeyInfo", {"ApiKeyId": "ak-1", **MAAS, "Quotas": [quota]})
    plan = {"TeamId": "t", "ApiKeyName": "a", "Count": 1}
    for name in ["ExclusiveQuota", "TotalQuota", "TPM"]:
        refused(PARAMETER, call, "CreateTokenPlanApiKeys", {**plan, name: 1})
        refused(PARAMETER, call, "ModifyTokenPlanApiKey", {"ApiKeyId": "ak-1", name: 1})
    refused(PARAMETER, raw, "CreateApiKey", {**base, "Region": "local"})
    refused(VALUE, raw, "CreateApiKey", {**base, "IpWhitelist": "10.0.0.1"})
    assert call("DescribeApiKeyList", MAAS).TotalCount == 0, "nothing that was refused was made"
    refused("InvalidAction", call, "DescribeTokenPlanList", {})
    refused("InvalidAction", call, "CreateEndpoint", {"EndpointName": "a"})
    refused("InvalidAction", raw, "NoSuchThing", {})

    key = create("in the way")
    rest("PATCH", "/v1/accounts/demo", {"key_limit": 1})
    refused("LimitExceeded", create, "one too many")
    rest("PATCH", "/v1/accounts/demo", {"key_limit": None})
    retired = create("retired", IpWhitelist=["192.0.2.0/24"])
    rest("POST", f"/v1/keys/{retired}/rotate", {})
    wider = {"ApiKeyId": retired, **MAAS, "IpWhitelist": []}
    refused(DENIED, call, "ModifyApiKeyInfo", wider)
    assert describe(retired).Editable is False
    reader = client(given["viewer"])
    assert call("DescribeApiKeyList", MAAS, reader).TotalCount == 3, "a viewer reads"
    for action, params in [
        ("CreateApiKey", base), ("DescribeApiKey", {"ApiKeyId": key, **MAAS}),
        ("ModifyApiKeyStatus", {"ApiKeyId": key, "Status": "disable", **MAAS}),
        ("DeleteApiKey", {"ApiKeyId": key, **MAAS}),
    ]:
        refused("UnauthorizedOperation.UnauthorizedOperation", call, action, params, reader)
    with sqlite3.connect(given["database"], timeout=30) as database:
        database.execute("UPDATE keys SET sealed = zeroblob(length(sealed)) WHERE id = ?", [key])
    database.close()
    refused("InternalError.InternalError", describe, key)
    stranger = client(given["stranger"])
    refused(NOT_FOUND, describe, key, stranger)
    refused(NOT_FOUND, call, "DeleteApiKey", {"ApiKeyId": key, **MAAS}, stranger)
    for row in rest("GET", "/v1/keys?account=demo")["keys"]:
        call("DeleteApiKey", {"ApiKeyId": row["id"], **MAAS})
    print("refusals: ok")


def burst(outcomes, start):
    for number in range(start, start + 10):
        try:
            request = typed(models.DescribeApiKeyListRequest, {**MAAS, "Offset": number})
            client(given["stranger"]).DescribeApiKeyList(request)
            outcomes.append("")
        except TencentCloudSDKException as error:
            outcomes.append(error.get_code())


def rate():
    outcomes, until = [], time.time() + 30
    while "RequestLimitExceeded" not in outcomes:
        assert time.time() < until, "twenty calls a second were never exceeded"
        threads = [threading.Thread(target=burst, args=[outcomes, len(outcomes) + 10 * n]) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(outcomes) == {"", "RequestLimitExceeded"}, set(outcomes)
    other = call("DescribeModelList", {}, client(given["stranger"]))
    assert other.TotalCount == 3, "other actions have a rate of their own"
    print("rate: ok")


# --- signatures --------------------------------------------------------------------------------


def altered(change):
    """The SDK's request, changed between its signature and the wire."""
    real = requests.Session.send

    def send(self, prepared, **named):
        change(prepared)
        return real(self, prepared, **named)

    with mock.patch.object(requests.Session, "send", send):
        return call("DescribeApiKeyList", {**MAAS, "Offset": len(sent)})


def header(name, value):
    return lambda prepared: prepared.headers.__setitem__(name, value)


def body(prepared):
    prepared.body = prepared.body.replace(b"maas" if isinstance(prepared.body, bytes) else "maas", "MAAS")


def shifted(seconds):
    real = time.time
    with mock.patch("time.time", lambda: real() + seconds):
        return owner.DescribeModelList(typed(models.DescribeModelListRequest, {"Offset": abs(seconds)}))


def signatures():
    failure = "AuthFailure.SignatureFailure"
    (secret_id, secret_key), params = given["owner"], ("DescribeModelList", {})
    refused(failure, call, *params, client((secret_id, secret_key[:-1] + "!")))
    refused("AuthFailure.SecretIdNotFound", call, *params, client(("AKIDnobody", secret_key)))
    refused("UnsupportedRegion", call, *params, client(given["owner"], "ap-nowhere"))
    refused("AuthFailure.SignatureExpire", shifted, -301)
    refused("AuthFailure.SignatureExpire", shifted, 302)
    assert shifted(-290).TotalCount == 3 and shifted(290).TotalCount == 3, "five minutes are allowed"
    refused(failure, altered, body)
    refused(failure, altered, header("Content-Type", "application/json; charset=utf-8"))
    refused(failure, altered, header("Host", "127.0.0.2:1"))
    refused(failure, altered, header("X-TC-Timestamp", str(int(time.time()) + 1)))
    refused(failure, altered, header("Authorization", "SKIP"))
    refused("NoSuchVersion", altered, header("X-TC-Version", "2018-01-01"))
    refused("AuthFailure.TokenFailure", altered, header("X-TC-Token", "temporary"))

    seen = []
    altered(lambda prepared: seen.append(prepared.copy()))
    for _ in range(2):
        answer = requests.Session().send(seen[0])
        assert answer.status_code == 200, "every answer is HTTP 200"
        assert answer.json()["Response"]["Error"]["Code"] == failure, answer.text
    unsigned = requests.post(given["admin"] + "/", data="{}", headers={"X-TC-Action": "DeleteApiKey"})
    assert (unsigned.status_code, unsigned.json()["Response"]["Error"]["Code"]) == (200, failure)
    print("signatures: ok")


def seed():
    at = f"/v1/catalog/{given['region']}"
    for name in ["kimi-k2.6", "deepseek-v3.2", "glm-5.1", "ep-12345678"]:
        more = {"display_name": "GLM 5.1", "aliases": ["glm-latest"]} if name == "glm-5.1" else {}
        rest("PUT", f"{at}/{name}", more)
    given["owner"] = access_key("sdk")
    viewer = rest("POST", "/v1/users", {"account": "demo", "name": "viewer", "role": "viewer"})
    given["viewer"] = access_key("reader", user=viewer["id"])
    rest("POST", "/v1/accounts", {"id": "stranger", "name": "Stranger"})
    made = rest("POST", "/v1/access-keys", {"account": "stranger", "name": "sdk"})
    given["stranger"] = (made["secret_id"], made["secret_key"])


seed()
owner = client(given["owner"])
for part in [ordinary_keys, lists, plan_keys, catalog, gate_and_usage, refusals, rate, signatures]:
    part()
