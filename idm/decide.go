package idm

import (
	"fmt"

	"github.com/ensemble-platform/ensemble/authz"
)

// This file holds the rules. Nothing else in the platform decides who may do what; everything here is a function of facts
// that were looked up before.

// rank orders the roles. Zero is no role.
type rank int8

const (
	noRole rank = iota
	member
	powerUser
	admin
	superAdmin
)

func rankOf(r Role) rank {
	switch r {
	case Member:
		return member
	case PowerUser:
		return powerUser
	case Admin:
		return admin
	case SuperAdmin:
		return superAdmin
	}
	return noRole
}

// rule says who may do one action on one type of resource.
//
// Beside what it says, services may do everything, and tenants everything in the organizations that belong to them.
type rule struct {
	// users with at least this role in the resource's organization may
	role rank
	// apps may, through their own groups
	apps bool
}

// rules is the whole policy. What is not in it is denied.
//
//	                                           organization  app_instance  connec_entity  dashboard  platform
//	read                                       Member        Member, app   Member, app    Member     operator
//	write                                      –             –             Member, app    Member     –
//	update, destroy                            Super Admin   Admin         –              Member     –
//	access                                     –             Member        –              –          –
//	manage_billing                             Super Admin   –             –              –          –
//	administrate, manage_app_instances         Admin         Admin         –              –          –
//	invite_member, manage_teams, purchase      Admin         –             –              –          –
//	manage_platform                            –             –             –              –          operator
var rules = map[string]map[authz.Action]rule{
	authz.Organization: {
		authz.Read:               {role: member},
		authz.Update:             {role: superAdmin},
		authz.Destroy:            {role: superAdmin},
		authz.ManageBilling:      {role: superAdmin},
		authz.Administrate:       {role: admin},
		authz.InviteMember:       {role: admin},
		authz.ManageAppInstances: {role: admin},
		authz.ManageTeams:        {role: admin},
		authz.Purchase:           {role: admin},
	},
	authz.AppInstance: {
		authz.Read:               {role: member, apps: true},
		authz.Access:             {role: member},
		authz.Update:             {role: admin},
		authz.Destroy:            {role: admin},
		authz.Administrate:       {role: admin},
		authz.ManageAppInstances: {role: admin},
	},
	authz.ConnecEntity: {
		authz.Read:  {role: member, apps: true},
		authz.Write: {role: member, apps: true},
	},
	authz.Dashboard: {
		authz.Read:    {role: member},
		authz.Write:   {role: member},
		authz.Update:  {role: member},
		authz.Destroy: {role: member},
	},
	authz.Platform: {
		authz.Read:           {},
		authz.ManagePlatform: {},
	},
}

// PlatformID is the id of the one resource of type authz.Platform.
const PlatformID = "platform"

// subject is whom a credential proved.
type subject struct {
	principal authz.Principal
	// of a user
	operator bool
	roles    map[string]Role // by organization
	// of a client
	kind ClientKind
	// only, if set, is the one group that an app may act through.
	only string
}

// target is what a resource id stands for.
type target struct {
	// organization that the resource belongs to; nil when there is no such thing.
	organization *Organization
	// group that the request goes through, if any.
	group *Group
	// several says that an app asked by organization and has more than one group there.
	several bool
	// platform is set for the platform itself.
	platform bool
}

// decide judges.
//
// The order matters. What somebody can't reach at all is denied in the same words as what does not exist, before anything is said
// about it. Then a frozen organization denies everyone; only services may still administer it, so that it can be wound up. Then the
// role counts.
func decide(s subject, action authz.Action, typ string, t target) authz.Decision {
	d := authz.Decision{Authenticated: true, Principal: s.principal}
	r, ok := rules[typ][action]
	if !ok {
		d.Reason = fmt.Sprintf("there is no action %.64q on resources of type %.64q", action, typ)
		return d
	}
	if typ == authz.Platform {
		if t.platform && (s.kind == ServiceClient || s.operator) {
			d.Allowed = true
		} else {
			d.Reason = "only the platform's operators and services may do this"
		}
		return d
	}
	if !reaches(s, typ, t) {
		d.Reason = "there is no such " + noun(typ) + ", or it is not yours"
		return d
	}
	if t.several {
		d.Reason = "the app is in this organization more than once: name the group instead"
		return d
	}
	if t.organization != nil && t.organization.Frozen && (s.kind != ServiceClient || typ == authz.ConnecEntity || typ == authz.Dashboard) {
		d.Reason = "the organization is frozen"
		return d
	}
	switch s.principal.Type {
	case authz.User:
		role := s.roles[t.organization.ID]
		if rankOf(role) < r.role {
			d.Reason = fmt.Sprintf("the role %s does not allow this", role)
			return d
		}
		d.Role = string(role)
	case authz.App:
		if !r.apps {
			d.Reason = "apps may not do this"
			return d
		}
	}
	d.Allowed = true
	if t.organization != nil {
		d.Organization = t.organization.ID
	}
	if t.group != nil {
		d.Group = t.group.ID
	}
	return d
}

// reaches reports whether s may know of t.
func reaches(s subject, typ string, t target) bool {
	switch s.principal.Type {
	case authz.Service:
		// Services handle app instances before they have a group and after they lost it.
		return t.organization != nil || typ == authz.AppInstance
	case authz.Tenant:
		return t.organization != nil && t.organization.TenantID == s.principal.ID
	case authz.App:
		if t.organization == nil || t.group == nil && !t.several {
			return false
		}
		return t.several || t.group.ClientID == s.principal.ID && (s.only == "" || s.only == t.group.ID)
	case authz.User:
		return t.organization != nil && rankOf(s.roles[t.organization.ID]) > noRole
	}
	return false
}

func noun(typ string) string {
	switch typ {
	case authz.AppInstance:
		return "app instance"
	case authz.ConnecEntity:
		return "group"
	default:
		return "organization"
	}
}
